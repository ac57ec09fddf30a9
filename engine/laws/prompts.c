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
