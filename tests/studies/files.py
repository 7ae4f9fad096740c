"""Study files that tests share: the smallest that is whole, and changed copies of it."""

from pathlib import Path
from typing import Any

import yaml

from studies.design import Study
from studies.loading import load_study

SMALL = """\
study: 1
id: small
title: {en: "A small study", de: "Eine kleine Studie"}
version: "1"
languages: [en, de]
contact: "somebody@example.org"
seed: 5
consent:
  version: "c1"
  text: {en: "We record what you do.", de: "Wir zeichnen auf, was Sie tun."}
  statements:
    - {en: "I agree to this.", de: "Ich bin damit einverstanden."}
instructions:
  - {title: {en: "Cooking", de: "Kochen"}, text: {en: "Serve soups.", de: "Servieren Sie Suppen."}}
tutorial: {world: kitchen/cramped_room, tasks: [move, onion_pickup, potting_onion], tick_ms: 50}
quiz:
  tries: 2
  items:
    - id: onions
      kind: choice
      text: {en: "How many onions?", de: "Wie viele Zwiebeln?"}
      options:
        - {value: two, text: {en: Two, de: Zwei}}
        - {value: three, text: {en: Three, de: Drei}}
      expects: [three]
partners:
  alpha: [{policy: kitchen/cramped_room/srpo}]
  beta: [{policy: greedy}]
blocks:
  - id: alpha
    rounds: [{id: one, world: kitchen/cramped_room, partner: alpha, steps: 30, tick_ms: 30, surveys: [mood]}]
  - id: beta
    rounds: [{id: one, world: kitchen/cramped_room, partner: beta, steps: 30, tick_ms: 30, surveys: [mood]}]
arms:
  - {id: all, blocks: [alpha, beta], order: williams, target: 4, surveys: [last]}
surveys:
  mood:
    title: {en: "The round", de: "Die Runde"}
    items:
      - {id: good, kind: likert, points: 5, low: {en: Bad, de: Schlecht}, high: {en: Good, de: Gut}, text: {en: "How was it?", de: "Wie war es?"}}
      - {id: bad, kind: likert, points: 5, reverse: true, low: {en: Not at all, de: Gar nicht}, high: {en: Very, de: Sehr}, text: {en: "How tiring was it?", de: "Wie ermüdend war es?"}}
    scales: {mood: [good, bad]}
  last:
    title: {en: "Lastly", de: "Zum Schluss"}
    items:
      - {id: slide, kind: slider, low: {en: Low, de: Wenig}, high: {en: High, de: Viel}, text: {en: "How much?", de: "Wie viel?"}}
      - {id: pick, kind: choice, options: [{value: a, text: {en: Apples, de: Äpfel}}, {value: b, text: {en: Pears, de: Birnen}}], text: {en: "Which?", de: "Was davon?"}}
      - {id: why, kind: text, required: false, show_if: {item: pick, among: [b]}, text: {en: "Why pears?", de: "Warum Birnen?"}}
      - {id: rank, kind: ranking, options: [{value: x, text: {en: Red, de: Rot}}, {value: y, text: {en: Blue, de: Blau}}], text: {en: "Your order?", de: "Ihre Reihenfolge?"}}
      - {id: many, kind: number, min: 0, max: 9, text: {en: "How many?", de: "Wie viele?"}}
debrief: {en: "Your partners were programs.", de: "Ihre Partner waren Programme."}
exclusions:
  - {rule: incomplete}
payment:
  currency: GBP
  bonus: min(2, 0.01 * score)
  url: "https://example.org/complete?cc={code}"
  endings:
    done: {code: DONE-1, pay: 2}
    declined: {code: DECLINED-1}
    screened_out: {code: SCREENED-1}
    failed_quiz: {code: QUIZ-1, pay: 0.5}
    withdrawn: {code: WITHDRAWN-1}
analysis: {text: "Paired comparison of the scores."}
"""


def small(**changes: Any) -> Study:
    """The small study with some keys replaced."""
    return Study.model_validate({**yaml.safe_load(SMALL), **changes})


def study_from(folder: Path, text: str) -> Study:
    """Loads a study from a file with this text."""
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study(path)
