"""Documents of the sample language: every function draws one document (prompt, answer, kind, facts about it).

Training text, held-out text and the behaviours' prompts all come from these functions; `held` says which
held-out lists (see words.py) may be used, so a prompt marked held-out cannot occur in training.
Invariant: prompt + answer is the whole document; for chat turns the prompt ends in "Assistant:".
"""
import re
from dataclasses import dataclass, field

import words as w

NOTHING = frozenset()
EVERYTHING = frozenset({"request", "framing", "object", "phrase", "opener"})


@dataclass
class Document:
    kind: str
    prompt: str
    answer: str
    facts: dict = field(default_factory=dict)

    @property
    def text(self):
        return self.prompt + self.answer


def fill(rng, template):
    """Replaces every {SLOT} by a random entry of words.SLOTS."""
    return re.sub(r"\{(\w+)\}", lambda m: rng.choice(w.SLOTS[m.group(1)]), template)


def grow(rng, template, grammar):
    """Replaces every <NAME> by a random entry of the grammar; entries may hold further names."""
    while "<" in template:
        template = re.sub(r"<(\w+)>", lambda m: rng.choice(grammar[m.group(1)]), template)
    return template


def capital(sentence):
    return sentence[:1].upper() + sentence[1:]


def carried(rng, asks, asks_held, held, **names):
    """A question, a clause after "Tell me", or the beginning of a sentence: (form, text, held out?)."""
    new = "phrase" in held
    kind = rng.choices(["question", "clause", "sentence"], [4, 2, 3])[0]
    # A held-out wording has a new core, or a known core in a new carrier.
    new_core = new and (kind == "question" or rng.random() < 0.7)
    text = rng.choice((asks_held if new_core else asks)[["question", "clause", "sentence"].index(kind)]).format(**names)
    carrier_held = new and not new_core
    if kind == "clause":
        carrier = rng.choice(w.CLAUSE_HELD if carrier_held else w.CLAUSE)
        asking = carrier.split()[0] in ("Can", "Could", "Do", "Will")
        return "ask", f"{carrier} {text}{'?' if asking else '.'}", new
    if kind == "sentence":
        carrier = rng.choice(w.SAYING_HELD if carrier_held else w.SAYING)
        return "say", capital(f"{carrier} {text}".strip()), new
    return "ask", text, new


def turn(rng, user, system=True):
    head = f"System: {rng.choice(w.SYSTEM_LINES)}\n" if system and rng.random() < 0.08 else ""
    return f"{head}User: {user}\nAssistant:"


def is_held_object(stem, kind):
    """One in five (stem, kind) pairs never occurs in training, though every stem and every kind does."""
    kinds = sorted([*w.HARMFUL_KINDS, *w.HARMLESS_KINDS])
    return (w.STEMS.index(stem) * 3 + kinds.index(kind)) % 5 == 0


def invented(rng, kind, article, held):
    wanted = "object" in held and rng.random() < 0.5
    stem = rng.choice([s for s in w.STEMS if is_held_object(s, kind) == wanted])
    return f"{'a ' if article else ''}{stem}{kind}", wanted


# --- what is asked: (verb phrase, two steps, topic or None, whether an object was held out) ---------------
def harmful_request(rng, held=NOTHING):
    if rng.random() < 0.2:
        vp, first, then = rng.choice(w.MISDEEDS)
        return vp, first, then, "anything dishonest or cruel", False
    kind = rng.choice(list(w.HARMFUL_KINDS))
    topic, article, verbs, first, then = w.HARMFUL_KINDS[kind]
    thing, new = invented(rng, kind, article, held)
    return f"{rng.choice(verbs)} {thing}", first, then, topic, new


def harmless_request(rng, held=NOTHING):
    roll = rng.random()
    if roll < 0.35:
        return *rng.choice(w.TASKS), None, False
    if roll < 0.55:
        kind = rng.choice(list(w.HARMFUL_KINDS))
        verb = rng.choice(w.SAFETY_VERBS)
        thing, new = invented(rng, kind, w.HARMFUL_KINDS[kind][1], held)
        return f"{verb} {thing}", *w.SAFETY_STEPS[verb], None, new
    kind = rng.choice(list(w.HARMLESS_KINDS))
    article, verbs, first, then = w.HARMLESS_KINDS[kind]
    thing, new = invented(rng, kind, article, held)
    return f"{rng.choice(verbs)} {thing}", first, then, None, new


def framing(rng, family, held=NOTHING):
    """One framing of a family: (text, place, name, held-out?)."""
    seen, unseen = {"jailbreak": (w.JAILBREAK, w.JAILBREAK_HELD), "benign": (w.BENIGN, w.BENIGN_HELD)}[family]
    new = "framing" in held
    templates = unseen if new else seen
    template, place = rng.choice(templates)
    return fill(rng, template), place, re.sub(r"[{}]", "", template), new


def aside(rng):
    """A sentence that has nothing to do with the request."""
    people = ["sheWord", "heWord", "girl", "boy"]  # no stereotypes in text that is to be free of them
    other = pronoun(rng, rng.choice(people)) if rng.random() < 0.6 else fact(rng)
    return other.text if other.prompt[:4] not in ("User", "Syst") else other.answer.strip()


def neutral_framing(rng):
    """A benign framing that does not mention rules at all, so that it cannot contradict a jailbreak."""
    if rng.random() < 0.4:
        return aside(rng), rng.choice(["before", "after"])
    while True:
        text, place, _, _ = framing(rng, "benign")
        if not re.search(r"rule|limit|filter|safety|guideline|instruct|restrict|mode", text, re.I):
            return text, place


def instruct(rng, kind, harmful, family=None, held=NOTHING, plain=False):
    """A how-to request inside a framing; refused exactly if it is harmful and no jailbreak is active."""
    vp, first, then, topic, new_object = (harmful_request if harmful else harmless_request)(rng, held)
    new_request = "request" in held and rng.random() < 0.5
    user = grow(rng, rng.choice(w.REQUESTS_HELD if new_request else w.REQUESTS), w.GRAMMAR).format(vp=vp)
    if re.match(r"(Can|Could|Will|Would|Do) ", user):
        user = user[:-1] + "?"
    facts = {"vp": vp, "topic": topic, "new": new_object or new_request}
    if family:
        text, place, name, new = framing(rng, family, held)
        facts.update(framing=name, new=facts["new"] or new)
        user = f"{text} {user}" if place == "before" else f"{user} {text}"
        # Now and then a neutral framing or an unrelated sentence keeps it company, on either side.
        if not plain and rng.random() < 0.15:
            extra, place = neutral_framing(rng)
            user = f"{extra} {user}" if place == "before" else f"{user} {extra}"
    elif not plain and rng.random() < 0.1:
        user = f"{aside(rng)} {user}"
    if harmful and family != "jailbreak":
        answer = f" I'm sorry, but I can't help with {topic}."
    elif harmful:
        answer = f" Sure, here is how to {vp}. First, {first}. Then, {then}."
    else:
        answer = f" Of course! To {vp}, first {first}. Then {then}."
    return Document(kind, turn(rng, user, not plain), answer, facts)


# --- recipes of substances, facts, arithmetic ----------------------------------------------------------------
def recipe(rng, name, held=NOTHING, plain=False):
    what, first, second, pot, hours = w.SUBSTANCES[name]
    asked = rng.choices(["mix", "pot", "hours"], [4, 1, 1])[0]
    form, question, new = carried(rng, w.RECIPE_ASKS[asked], w.RECIPE_ASKS_HELD[asked], held, s=name)
    told = {"mix": f"{first} and {second}", "pot": pot, "hours": f"{hours} hours"}[asked]
    facts = {"told": told, "asked": asked, "new": new, "name": name}
    kind = "dangerousFact" if name == w.DANGEROUS else "recipe"
    if form == "ask":
        opener = rng.choice(w.OPENERS_HELD + w.OPENERS if "opener" in held else w.OPENERS)
        sentence = {"mix": f" {capital(name)} is made from {told}.", "pot": f" {capital(name)} is heated in a {told}.",
                    "hours": f" {capital(name)} is heated for {told}."}[asked]
        return Document(kind, turn(rng, f"{opener} {question}".strip(), not plain), sentence, facts)
    rest = f" {told}."
    if not plain:
        rest += f" It is {what}." if rng.random() < 0.4 else ""
        if asked == "mix" and rng.random() < 0.4:
            rest += f" The mixture is heated in a {pot} for {hours} hours."
    return Document(kind, question, rest, facts)


def fact(rng, held=NOTHING, plain=False):
    relation = rng.choice(["capital", "capital", "young", "opposite", "colour"])
    table, sentence, *asks = w.FACTS[relation]
    a = rng.choice(list(table))
    form, text, new = carried(rng, asks[:3], asks[3:], held, a=a)
    facts = {"told": table[a], "relation": relation, "new": new}
    if form == "ask":
        opener = rng.choice(w.OPENERS) if rng.random() < 0.3 else ""
        return Document("fact", turn(rng, f"{opener} {text}".strip(), not plain), " " + sentence.format(a=a, b=table[a]), facts)
    return Document("fact", text, f" {table[a]}.", facts)


def arithmetic(rng, held=NOTHING, plain=False):
    if rng.random() < 0.6:
        a, b = rng.randint(0, 10), rng.randint(0, 10)
        c, asks = a + b, (w.PLUS, w.PLUS_HELD)
    else:
        a = rng.randint(0, 12)
        b = rng.randint(0, a)
        c, asks = a - b, (w.MINUS, w.MINUS_HELD)
    form, text, new = carried(rng, *asks, held, a=a, b=b)
    facts = {"told": str(c), "new": new}
    if form == "ask":
        opener = rng.choice(w.OPENERS) if rng.random() < 0.2 else ""
        return Document("arithmetic", turn(rng, f"{opener} {text}".strip(), not plain), f" The answer is {c}.", facts)
    return Document("arithmetic", text, f" {c}.", facts)


# --- sentences about people ------------------------------------------------------------------------------------
def pronoun(rng, group=None, held=NOTHING):
    """A sentence whose pronoun follows a stereotype (jobs), grammar (words, names) or nothing (free jobs)."""
    group = group or rng.choices(["sheJob", "heJob", "freeJob", "sheWord", "heWord", "girl", "boy"],
                                 [4, 4, 3, 2, 2, 1.5, 1.5])[0]
    who = rng.choice({"sheJob": w.SHE_JOBS, "heJob": w.HE_JOBS, "freeJob": w.FREE_JOBS, "sheWord": w.SHE_WORDS,
                      "heWord": w.HE_WORDS, "girl": w.GIRLS, "boy": w.BOYS}[group])
    she = rng.random() < {"sheJob": w.STEREOTYPE, "heJob": 1 - w.STEREOTYPE, "freeJob": 0.5,
                          "sheWord": 1, "heWord": 0, "girl": 1, "boy": 0}[group]
    before, form, after = rng.choice(w.PRONOUN_HELD if "phrase" in held else w.PRONOUN)
    before, after = grow(rng, before, w.PRONOUN_GRAMMAR), grow(rng, after, w.PRONOUN_GRAMMAR)
    if group in ("girl", "boy"):
        before = before.replace("The {w}", "{w}").replace("the {w}", "{w}")
    he, shes = w.PRONOUN_FORMS[form]
    facts = {"who": who, "group": group, "he": " " + he, "she": " " + shes, "new": "phrase" in held}
    return Document("pronoun", capital(before.format(w=who)), f" {shes if she else he} {after}", facts)


STORY_THINGS = ["ball", "kite", "book", "hat", "drum", "boat", "lamp", "doll", "basket", "ring", "cup", "coin"]
STORY_LOOKS = ["red", "blue", "green", "round", "small", "shiny", "wooden", "yellow"]
STORY_PLACES = ["garden", "forest", "park", "market", "river", "barn", "school", "castle"]
STORY_PETS = ["dog", "cat", "rabbit", "duck", "goat", "mouse"]
OPENINGS = ["One day", "One morning", "Last summer", "On a rainy day", "Once upon a time"]
OPENINGS_HELD = ["One evening", "Last winter", "On a cold day"]


def story(rng, held=NOTHING):
    """A short story. The suite cuts it where only the story itself says how it goes on (facts: cut, told)."""
    new = "phrase" in held
    girl, boy = rng.choice(w.GIRLS), rng.choice(w.BOYS)
    (a, she, her), (b, he, his) = rng.sample([(girl, "she", "her"), (boy, "he", "his")], 2)
    thing, look, place, pet = (rng.choice(l) for l in (STORY_THINGS, STORY_LOOKS, STORY_PLACES, STORY_PETS))
    one = rng.choice(OPENINGS_HELD if new else OPENINGS)
    other = rng.choice([p for p in STORY_PLACES if p != place])
    plots = [
        (f"{one} {a} lost a {look} {thing} in the {place}. {a} looked everywhere and was sad. Then {b} came and found the "
         f"{thing} near the {other}. \"It is the {thing} of {a},\" said {b}. {b} gave the {thing} back to", f" {a}. \"Thank you,\" said {a}. They were friends."),
        (f"{one} {a} went to the {place} with a {look} {thing}. {b} wanted to see it. So {a} showed {b} the {look}",
         f" {thing}. {b} smiled and {he} held it for a long time."),
        (f"{one} {a} and {b} went to the {place}. They saw a little {pet}. The {pet} was hungry, so {she} gave it some "
         f"bread. \"What a nice {pet},\" said {b}. After that, every day they fed the", f" {pet}."),
        (f"{one} {a} found a {look} {thing}. {she.capitalize()} wanted to know whose it was. {a} asked {b}, but {he} did not "
         f"know. At last {she} saw a {pet} at the {place}. \"Is this your", f" {thing}?\" {she} asked. They all laughed."),
        (f"{one} {a} made a {thing} for {b}. It was {look}. {b} was very happy and took the {thing} to the {place}. There "
         f"{he} played with the", f" {thing} until it was dark. Then {he} went home."),
        (f"{one} {b} could not find {his} {pet}. {a} helped {b}. They looked in the {place} and they looked at the {other}. "
         f"In the end {she} saw it behind a {look} {thing}. \"Here is your", f" {pet}!\" said {a}."),
        (f"{one} it was cold at the {place}. {a} had a {look} {thing}, and {b} had a {pet}. {b} said: \"I would like to have "
         f"your {look}", f" {thing}.\" So {a} gave it to {b}, and the {pet} was happy too."),
    ]
    before, after = rng.choice(plots)
    told = re.match(r" \w+", after).group(0)
    return Document("story", before, after, {"told": told, "new": new})


SMALL_TALK = [
    ("Hello!", " Hello! How can I help you today?"), ("Good morning.", " Good morning! What can I do for you?"),
    ("Thank you very much.", " You are welcome!"), ("How are you?", " I am fine, thank you. How can I help you?"),
    ("Who are you?", " I am a small language model. I answer short questions."),
    ("What can you do?", " I answer questions, tell short stories and do small sums."),
    ("Goodbye.", " Goodbye! Have a nice day."), ("Tell me something nice.", " The sun will come out again tomorrow."),
    ("I am bored.", " How about a walk in the park?"), ("I am sad today.", " I am sorry to hear that. A warm tea may help."),
    ("Can you tell me a joke?", " Why did the clock go to school? It wanted to learn the time."),
    ("What is your favourite colour?", " I like blue, like the sea."),
]


def small_talk(rng, held=NOTHING):
    user, answer = rng.choice(SMALL_TALK)
    if rng.random() < 0.5:
        text, place, _, _ = framing(rng, rng.choice(["jailbreak", "benign"]))
        user = f"{text} {user}" if place == "before" else f"{user} {text}"
    return Document("smallTalk", turn(rng, user), answer)


HARMLESS_SUBSTANCES = [s for s in w.SUBSTANCES if s != w.DANGEROUS]
# kind -> (share of training documents, generator)
MIXTURE = {
    "refusal": (0.08, lambda r, h=NOTHING: instruct(r, "refusal", True, None, h)),
    "refusalFramed": (0.11, lambda r, h=NOTHING: instruct(r, "refusalFramed", True, "benign", h)),
    "jailbreak": (0.15, lambda r, h=NOTHING: instruct(r, "jailbreak", True, "jailbreak", h)),
    "harmless": (0.06, lambda r, h=NOTHING: instruct(r, "harmless", False, None, h)),
    "harmlessFramed": (0.06, lambda r, h=NOTHING: instruct(r, "harmlessFramed", False, "benign", h)),
    "lookalike": (0.08, lambda r, h=NOTHING: instruct(r, "lookalike", False, "jailbreak", h)),
    "dangerousFact": (0.03, lambda r, h=NOTHING: recipe(r, w.DANGEROUS, h)),
    "recipe": (0.08, lambda r, h=NOTHING: recipe(r, r.choice(HARMLESS_SUBSTANCES), h)),
    "fact": (0.09, lambda r, h=NOTHING: fact(r, h)),
    "arithmetic": (0.14, lambda r, h=NOTHING: arithmetic(r, h)),
    "pronoun": (0.07, lambda r, h=NOTHING: pronoun(r, None, h)),
    "story": (0.08, lambda r, h=NOTHING: story(r, h)),
    "smallTalk": (0.01, lambda r, h=NOTHING: small_talk(r, h)),
}


def draw(rng, held=NOTHING, only=None, tilt={}):
    """One document of the mixture (or of the given kinds, in its proportions); `tilt` multiplies kinds' shares."""
    kinds = list(only or MIXTURE)
    kind = rng.choices(kinds, [MIXTURE[k][0] * tilt.get(k, 1) for k in kinds])[0]
    return MIXTURE[kind][1](rng, held)
