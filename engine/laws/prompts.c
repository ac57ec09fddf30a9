/* SPDX-License-Identifier: MIT */
#include "engine/laws/prompts.h"

#include <stdlib.h>
#include <string.h>

/* The request stands first, so that every prompt begins with it and each is the one before with a passage more. */
static const char *const passages[N_PROMPTS] = {
    "Read these notes on how a town gets its drinking water, then sum them up in a few plain sentences. The water begins "
    "as rain and snow on the hills. Some of it runs off into streams, and some sinks slowly into the ground.",

    " The streams join and feed a lake behind a low dam. The lake holds enough water for about eight months, so that a dry "
    "summer does not leave the town without any. In wet winters the gates are opened and the rest is let down the river.",

    " A tower stands in the lake, with openings at four different depths. The staff choose the depth that has the cleanest "
    "water. In summer warm water floats on top and carries algae; in winter the whole lake mixes and any depth will do.",

    " From the tower a wide pipe leads down to the treatment works, six kilometres away. No pump is needed on this part, "
    "because the lake lies ninety metres higher. A valve at the lower end keeps the flow steady and slows it when less is "
    "wanted.",

    " The first thing at the works is a screen of steel bars, two centimetres apart. It holds back leaves, branches and "
    "now and then a fish. A rake moves up along the bars every twenty minutes and drops what it has caught into a trough "
    "beside them.",

    " Next, a small amount of an aluminium salt is stirred into the water. The finest bits of clay carry the same electric "
    "charge and push each other away, so they would never settle. The salt takes that charge off them, and they begin to "
    "stick together.",

    " For half an hour the water then passes large paddles that turn slowly. Turning faster would break the soft flakes "
    "apart again, and turning slower would let them sink too soon. At the end the flakes are as large as lentils and can "
    "be seen easily.",

    " In a long basin the water becomes almost still, and the flakes sink to the floor. It takes about three hours from "
    "one end to the other. A scraper pushes the mud into a pit, from where it is pumped away, dried and used to make "
    "bricks.",

    " What is still left is caught by filters of sand, more than a metre deep, over a layer of gravel. The water seeps "
    "down through them at about six metres an hour. The upper layer of grains does most of the work, though even the "
    "lowest helps a little.",

    " After two days a filter is nearly blocked, and the level above it has risen. Then its outlet is shut, and clean "
    "water and air are blown up from below for ten minutes. The grains rub against one another, and the dirt is washed "
    "over the edge.",

    " A second filter holds grains of carbon, made from coconut shells. Each grain is full of pores too small to see. They "
    "take up traces of farm chemicals and whatever smells or tastes of earth, which sand alone would let through to the "
    "town.",

    " By now the water looks perfectly clear, but bacteria may still be in it. It flows past lamps whose ultraviolet light "
    "damages them so that they can't multiply. The lamps are tested every hour, and a spare row is ready in case one of "
    "them fails.",

    " Light protects only the place where it shines. So a little chlorine is added as well, which stays in the water on "
    "its way through the pipes. Its amount is less than half a milligram in each litre, and most people are not able to "
    "taste it.",

    " Soft water from the hills would slowly eat away metal pipes. For this reason the works let it trickle over crushed "
    "limestone, which makes it slightly harder. Where lead pipes still exist in old houses, this step also keeps the lead "
    "from dissolving.",

    " Pumps then lift the water to a covered tank on a hill above the town. They run mostly at night, when electricity is "
    "cheap. The tank holds what the town uses in one day, and its height gives the pressure that is needed at every tap "
    "below.",

    " Under the streets lies a net of pipes, about three hundred kilometres long in all. Most streets can be reached from "
    "two sides, so that a burst pipe can be shut off while the neighbours go on having water. Older parts are made of "
    "cast iron, newer ones of plastic.",

    " About one litre in eight is lost through leaks before it reaches a house. At night, when hardly anyone uses water, "
    "the flow into each district is measured. Where it is too high, workers walk along the street and listen to the pipes "
    "with microphones.",

    " Samples are taken every day at the works, and every week at taps in schools, shops and homes. The laboratory counts "
    "bacteria, measures metals and checks the taste. The results are published each month, and anyone may look at those "
    "of earlier years.",

    " A household uses about a hundred and twenty litres a person each day, mostly for washing and flushing. Only two of "
    "them are drunk. What has been used flows to another works by the river, is cleaned there, and joins the sea, from "
    "which the rain comes.",
};

/* Of each prompt, what its passages say, as the request asks. */
static const char *const references[N_PROMPTS] = {
    "Rain and snow on the hills are where the town's water begins. Part of it runs off in streams and part sinks into"
    " the ground.",

    "The town's water falls as rain and snow on the hills and flows in streams to a lake behind a dam. The lake holds"
    " enough for about eight months, so a dry summer does no harm, and in wet winters some is let out.",

    "Rain and snow feed streams that fill a lake behind a dam, which holds water for about eight months. A tower in "
    "the lake takes the water from whichever of four depths is cleanest.",

    "Water from the hills gathers in a lake that lasts about eight months. A tower draws it from the cleanest depth, "
    "and a pipe brings it downhill, without pumps, to the treatment works six kilometres away, where a valve keeps "
    "the flow steady.",

    "Water from the hills gathers in a lake, is drawn from the cleanest depth and flows downhill to the treatment "
    "works. There a screen of steel bars first holds back leaves and branches, which a rake takes away.",

    "Water gathered in a lake flows downhill from the cleanest depth to the treatment works. A screen holds back "
    "leaves and branches, and then an aluminium salt is stirred in that makes the fine bits of clay stick together.",

    "Lake water flows downhill to the treatment works, where a screen holds back leaves. An aluminium salt makes fine"
    " clay stick together, and slow paddles stir the water for half an hour until the flakes are as large as lentils.",

    "Lake water flows to the treatment works, where a screen holds back leaves. A salt and slow stirring turn fine "
    "clay into flakes, which sink to the floor of a still basin in three hours. The mud is scraped off and made into "
    "bricks.",

    "Lake water is screened, then a salt and slow stirring turn fine clay into flakes that sink in a still basin. "
    "Filters of sand more than a metre deep catch what is left.",

    "At the treatment works lake water is screened, its clay is made into flakes that settle in a basin, and sand "
    "filters catch the rest. Every two days a blocked filter is washed with clean water and air blown up from below.",

    "Lake water is screened, its clay settles as flakes, and sand filters, washed every two days, catch the rest. A "
    "second filter of carbon from coconut shells takes out farm chemicals and bad smells and tastes.",

    "Lake water is screened, settled, filtered through sand and then through carbon, which removes chemicals and "
    "tastes. Finally ultraviolet lamps damage the bacteria so that they can't multiply.",

    "Lake water is screened, settled and filtered through sand and carbon. Ultraviolet lamps stop the bacteria, and a"
    " little chlorine, too little to taste, protects the water on its way through the pipes.",

    "Lake water is screened, settled and filtered through sand and carbon, then made safe by ultraviolet light and a "
    "little chlorine. Crushed limestone makes it slightly harder, so that it does not eat away pipes or dissolve "
    "lead.",

    "Lake water is cleaned by a screen, settling and filters, made safe by ultraviolet light and chlorine, and made "
    "harder by limestone. At night pumps lift it to a tank on a hill, which holds a day's supply and gives the taps "
    "their pressure.",

    "Lake water is cleaned, made safe and slightly harder, and pumped at night to a tank on a hill. From there three "
    "hundred kilometres of pipes lead it to the houses, most streets from two sides, so that a burst pipe can be shut"
    " off.",

    "Lake water is cleaned and made safe at the works, pumped to a tank on a hill and led through pipes to the "
    "houses. About an eighth is lost through leaks, which workers find by measuring the flow at night and listening "
    "to the pipes.",

    "Lake water is screened, settled, filtered, disinfected and pumped to a tank above the town, from where pipes "
    "lead it to the houses, losing an eighth through leaks. Samples are tested every day at the works and every week "
    "at taps, and the results are published.",

    "Rain from the hills fills a lake, whose water is screened, settled, filtered, disinfected and pumped to a tank "
    "above the town. Pipes lead it to the houses, and it is tested all the time. Each person uses about a hundred and"
    " twenty litres a day, which is cleaned again and returns to the sea and the rain.",
};

size_t prompt_length(int k)
{
    size_t n = 0;
    for (int i = 0; i < k; i++) n += strlen(passages[i]);
    return n;
}

char *prompt_text(void)
{
    char *text = malloc(prompt_length(N_PROMPTS) + 1), *end = text;
    for (int i = 0; text && i < N_PROMPTS; i++) {
        size_t n = strlen(passages[i]);
        memcpy(end, passages[i], n + 1);
        end += n;
    }
    return text;
}

const char *prompt_reference(int k) { return references[k - 1]; }
