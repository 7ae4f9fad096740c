"""Kitchens that overcooked-ai does not ship, for what its layouts leave out."""

THREE_PLAYERS = """{
    'grid': \"\"\"XXOPXXX
                X1 2  S
                X  3  X
                XDTPXXX\"\"\",
    'start_all_orders': [
        {'ingredients': ['onion', 'onion']},
        {'ingredients': ['onion', 'tomato', 'tomato']},
    ],
    'start_bonus_orders': [{'ingredients': ['onion', 'tomato', 'tomato']}],
    'onion_value': 7, 'tomato_value': 11, 'onion_time': 3, 'tomato_time': 4,
}"""

LARGE_POTS = """{
    'grid': \"\"\"XOPTX
                X1 2X
                XDXSX\"\"\",
    'max_num_ingredients': 5, 'cook_time': 6, 'delivery_reward': 9,
}"""
"""Five ingredients to a pot; every mixture is an order."""

OWN = {"three_players": THREE_PLAYERS, "large_pots": LARGE_POTS}
