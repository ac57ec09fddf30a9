# world.py - the traffic world in words: from the facts that `hartree scene --json` prints to captions, stories, questions and
# their answers. Text and picture come from the same facts, so every answer can be checked against them.
#
# An object is a dict as the program prints it. Of a picture all objects are known; a text mentions some, and its questions are
# about those alone. Nothing here draws a random number but from the generator that it is given.
# SPDX-License-Identifier: MIT
import collections
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
HARTREE = os.environ.get("HARTREE", os.path.join(ROOT, "hartree"))
WORK = os.path.join(ROOT, "build", "train")

KINDS = ["car", "bus", "bicycle", "person", "traffic light", "sign"]
PLURALS = {"car": "cars", "bus": "buses", "bicycle": "bicycles", "person": "people", "traffic light": "traffic lights",
           "sign": "signs"}
VEHICLES = ["car", "bus", "bicycle"]
COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black"]
ROWS = ["far pavement", "far lane", "middle lane", "near lane", "crossing", "near pavement"]
SIGNS = ["stop", "yield", "speed limit", "no entry", "parking", "priority"]
PLACES = {"left": "on the left", "middle": "in the middle", "right": "on the right"}
TIMES = ["day", "evening", "night"]
NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]

# Seeds of scenes that no training has seen begin here.
HELD_OUT = 1_000_000_000


def scenes(first, count, size="560x392", pictures=None):
    """Facts of `count` scenes from seed `first` on; with `pictures`, a name with %d in it, each is drawn there too."""
    command = [HARTREE, "scene", "--seed", str(first), "--count", str(count), "--size", size, "--json"]
    if pictures:
        command += ["-o", pictures]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


# ---- Words for objects ----

def row_words(row):
    return ("in the " if "lane" in row else "on the ") + row


def where(o):
    return row_words(o["row"]) + " " + PLACES[o["place"]]


def article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def described(o):
    """The object with all that can be asked about it."""
    kind = o["kind"]
    if kind == "person":
        hat = f" and {article(o['hat'])} hat" if o["hat"] else ""
        return f"a person in {article(o['colour'])} shirt{hat}"
    if kind == "sign":
        return article(o["sign"]) + " sign"
    if kind == "bicycle":
        return f"{article(o['colour'])} bicycle with a rider in {o['rider']}"
    return f"{article(o['colour'])} {kind}"


def capital(s):
    return s[0].upper() + s[1:]


def fact(o, rng):
    how = rng.integers(3)
    if how == 0:
        return f"{capital(described(o))} is {where(o)}."
    if how == 1:
        return f"{capital(where(o))} there is {described(o)}."
    return f"There is {described(o)} {PLACES[o['place']]} {row_words(o['row'])}."


def number_of(n, kind):
    return f"{NUMBERS[n]} {kind if n == 1 else PLURALS[kind]}"


def summary(scene, objects):
    """Everything counted: "It is day. There are two cars, one bus and three people." """
    counts = [number_of(n, k) for k in KINDS if (n := sum(o["kind"] == k for o in objects))]
    listed = counts[0] if len(counts) == 1 else ", ".join(counts[:-1]) + " and " + counts[-1]
    return f"It is {scene['time']}. There {'is' if listed.startswith('one') else 'are'} {listed}."


# ---- Questions ----

def references(o, objects):
    """Phrases that mean this object and no other of its kind."""
    kind, same = o["kind"], [p for p in objects if p["kind"] == o["kind"]]
    found = []
    if len(same) == 1:
        found.append(f"the {kind}")
    if sum(p["place"] == o["place"] for p in same) == 1:
        found.append(f"the {kind} {PLACES[o['place']]}")
    if sum(p["row"] == o["row"] for p in same) == 1:
        found.append(f"the {kind} {row_words(o['row'])}")
    return found


def colour_references(o, objects):
    same = [p for p in objects if p["kind"] == o["kind"]]
    if o["kind"] not in VEHICLES or sum(p["colour"] == o["colour"] for p in same) != 1:
        return []
    return [f"the {o['colour']} {o['kind']}"]


def about_object(o, objects):
    """(category, question, answer, objects that it takes to answer) about one object."""
    for ref in references(o, objects):
        kind = o["kind"]
        if kind in VEHICLES:
            yield "colour", f"What colour is {ref}?", capital(o["colour"]) + ".", [o]
        if kind == "bicycle":
            yield "rider", f"What colour does the rider of {ref} wear?", capital(o["rider"]) + ".", [o]
        if kind == "person":
            yield "shirt", f"What colour is the shirt of {ref}?", capital(o["colour"]) + ".", [o]
            yield "hat", f"What colour is the hat of {ref}?", capital(o["hat"] or "no hat") + ".", [o]
        if kind == "sign":
            yield "sign", f"Which sign is {ref[len('the sign '):] or 'there'}?", capital(article(o["sign"])) + " sign.", [o]
    unique = sum(p["kind"] == o["kind"] for p in objects) == 1
    for ref in ([f"the {o['kind']}"] if unique else []) + colour_references(o, objects):
        yield "place", f"Where is {ref}?", capital(where(o)) + ".", [o]


def about_places(objects):
    for row in ROWS:
        for place in PLACES:
            here = [o for o in objects if o["row"] == row and o["place"] == place]
            spot = f"{row_words(row)} {PLACES[place]}"
            if len(here) == 1:
                yield "kind", f"What is {spot}?", capital(article(here[0]["kind"])) + ".", here
            elif not here:
                yield "empty", f"What is {spot}?", "Nothing.", []


def about_kinds(objects):
    for kind in KINDS:
        those = [o for o in objects if o["kind"] == kind]
        n = len(those)
        if n < len(NUMBERS):
            yield "count", f"How many {PLURALS[kind]} are there?", capital(NUMBERS[n] if n else "none") + ".", those
        if not n and kind in VEHICLES:
            yield "absent", f"What colour is the {kind}?", f"There is no {kind}.", []
            yield "absent", f"Where is the {kind}?", f"There is no {kind}.", []
        for place in PLACES:
            there = [o for o in those if o["place"] == place]
            yield "exists", f"Is there {article(kind)} {PLACES[place]}?", "Yes." if there else "No.", there
    for kind in VEHICLES:
        for colour in COLOURS:
            there = [o for o in objects if o["kind"] == kind and o["colour"] == colour]
            yield "exists", f"Is there {article(colour)} {kind}?", "Yes." if there else "No.", there
    for colour in COLOURS:
        those = [o for o in objects if o["kind"] in VEHICLES and o["colour"] == colour]
        if len(those) == 1:
            yield "kind", f"Which vehicle is {colour}?", f"The {those[0]['kind']}.", those


def about_scene(scene, objects, told_time=True):
    lights = [o for o in objects if o["kind"] == "traffic light"]
    if lights:  # all lights of a scene show the same
        noun = "traffic lights show" if len(lights) > 1 else "traffic light show"
        yield "light", f"What {'do' if len(lights) > 1 else 'does'} the {noun}?", capital(lights[0]["colour"]) + ".", lights
    if told_time:
        yield "time", "What time of day is it?", capital(scene["time"]) + ".", [scene]
        yield "summary", "Describe the scene.", summary(scene, objects), objects


# How often each category is asked.
WEIGHTS = {"colour": 4, "kind": 3, "count": 3, "place": 3, "exists": 2, "light": 1, "shirt": 1.5, "hat": 1, "rider": 1,
           "sign": 1, "time": 0.3, "empty": 0.5, "absent": 0.4, "summary": 0.6}
# At the end of training, where the easy ones have nothing left to teach.
HARDER = {**WEIGHTS, "place": 7, "kind": 4, "count": 5, "summary": 2}


def all_questions(scene, objects, told_time=True):
    """Every question by category; of the yes-or-no ones as many noes as yesses are kept by whoever draws from them."""
    found = {}
    def add(questions):
        for category, *question in questions:
            found.setdefault(category, []).append(question)
    for o in objects:
        add(about_object(o, objects))
    add(about_places(objects))
    add(about_kinds(objects))
    add(about_scene(scene, objects, told_time))
    return found


def draw_questions(scene, objects, rng, n, told_time=True, weights=WEIGHTS):
    """n questions (category, question, answer, objects that it takes), none twice in a row of draws."""
    found = all_questions(scene, objects, told_time)
    names = sorted(found)
    total = sum(weights[c] for c in names)
    p = [weights[c] / total for c in names]
    out, seen = [], set()
    for category in (names[i] for i in rng.choice(len(names), size=3 * n, p=p)):
        options = found[category]
        if category == "exists":
            answer = "Yes." if rng.integers(2) else "No."
            options = [q for q in options if q[1] == answer] or options
        question = options[rng.integers(len(options))]
        if question[0] not in seen:
            seen.add(question[0])
            out.append((category, *question))
        if len(out) == n:
            break
    return out


# ---- Stories ----

GREETINGS = [("Hello!", "Hello! Tell me about a street, and ask me."), ("Hi!", "Hello! Tell me about a street, and ask me."),
             ("Who are you?", "I am a small model of the traffic world."),
             ("What can you do?", "I answer questions about streets with cars, buses, bicycles, people, lights and signs.")]
NAMES = ["Mia", "Ben", "Nora", "Tom", "Lena", "Sam", "Ada", "Max", "Ella", "Paul", "Ida", "Leo"]
GOALS = ["the market", "the school", "the park", "the station", "the library", "the bakery", "the river", "the museum"]
REASONS = {"the market": "to buy apples", "the school": "to learn to read", "the park": "to play with a friend",
           "the station": "to meet her aunt", "the library": "to find a book", "the bakery": "to buy bread",
           "the river": "to look at the boats", "the museum": "to see the old buses"}
RIDES = {"car": "drove", "bus": "took", "bicycle": "rode"}
WEATHER = ["The sun was warm.", "A light rain fell.", "The wind was cold.", "Snow lay on the roofs."]
EVENTS = ["At the crossing the light was red, so {n} waited until it was green.",
          "A dog ran over the street, and everyone stopped for it.",
          "On the way {n} saw a friend on the pavement and waved.",
          "A sign said that the street was closed, so {n} went another way.",
          "The street was full of people, and the traffic was slow."]
ENDS = ["In the end {n} came home tired and happy.", "{n} told everyone about it in the evening.",
        "It was a good day for {n}.", "The next day {n} did it all again."]


def story(rng):
    """A short story and questions about it: (text, [(category, question, answer)])."""
    pick = lambda list_: list_[rng.integers(len(list_))]
    name, goal, kind, colour = pick(NAMES), pick(GOALS), pick(VEHICLES), pick(COLOURS)
    reason = REASONS[goal].replace("her", "an")
    first = pick([f"One morning {name} {RIDES[kind]} a {colour} {kind} to {goal} {reason}.",
                  f"{name} wanted to go to {goal} {reason}. So {name} {RIDES[kind]} a {colour} {kind}."])
    first = first.replace(" a orange", " an orange")
    text = " ".join([first, pick(WEATHER), pick(EVENTS).format(n=name), pick(ENDS).format(n=name)])
    asked = [("story", f"Where did {name} go?", f"To {goal}."), ("story", f"Who went to {goal}?", f"{name}."),
             ("story", f"What colour was the {kind}?", capital(colour) + "."),
             ("story", f"Why did {name} go to {goal}?", capital(reason) + ".")]
    return text, [asked[i] for i in rng.permutation(len(asked))], (name, goal, kind)


# ---- Documents ----

# A sentence, or what stands between sentences: its words, whether they are an answer, and objects: the one that a fact tells
# of, or those that an answer takes. Of the time of day a text tells as of an object of its own, the scene.
Part = collections.namedtuple("Part", "text answer objects", defaults=(False, []))


def facts(scene, objects, rng):
    """Sentences that tell of these objects of a scene, and perhaps of the time."""
    told = [Part(f"It is {scene['time']}.", objects=[scene])] if rng.integers(2) else []
    told += [Part(fact(o, rng), objects=[o]) for o in objects]
    return told[:1] + [p._replace(text=" " + p.text) for p in told[1:]]


def chat(told, turns):
    """What is told, then turns (question, answer, objects), in the format that the engine knows as chatml."""
    parts = [Part("<|im_start|>user\n"), *told]
    for n, (question, answer, objects) in enumerate(turns):
        before = "<|im_start|>user\n" if n else " " if told else ""
        parts.append(Part(f"{before}{question}<|im_end|>\n<|im_start|>assistant\n"))
        parts.append(Part(f"{answer}<|im_end|>", True, objects))
        parts.append(Part("\n"))
    return parts


# Objects that a text tells of at most.
MOST = 6


def some(scene, rng, most=MOST):
    n = min(len(scene["objects"]), int(rng.integers(2, most + 1)))
    return [scene["objects"][i] for i in rng.permutation(len(scene["objects"]))[:n]]


def document(scene, rng, most=MOST, weights=WEIGHTS):
    """One text for the language model to learn, of at most so many objects: its parts."""
    how = rng.random()
    if how < 0.10:
        text, asked, (name, goal, kind) = story(rng)
        if how < 0.05:
            return chat([], [(f"Tell me a story about {name} and {article(kind)}.", text, [])])
        turns = [(q, a, []) for _, q, a in asked]
        return chat([Part(text)], turns)
    if how < 0.11:
        return chat([], [(*GREETINGS[rng.integers(len(GREETINGS))], [])])
    objects = some(scene, rng, most)
    told = facts(scene, objects, rng)
    plain = rng.random() < 0.6
    n = int(rng.integers(6, 14) if plain else rng.integers(4, 10))
    asked = [q[1:] for q in draw_questions(scene, objects, rng, n, told[0].objects == [scene], weights)]
    if not plain:
        return chat(told, asked)
    # Half the tokens of a chat for the same questions; what is learnt from them serves in chats.
    parts = list(told)
    for q, a, of in asked:
        parts += [Part(f"\n{q}\n"), Part(a, True, of)]
    return parts + [Part("<|endoftext|>")]
