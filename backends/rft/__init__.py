"""Real reinforcement finetuning: a transformer, a sampling engine, verifiers, policy gradients.

Runs need torch and transformers (`pip install -e '.[rft]'`); settings, task sources and the command
line's help do not. Nothing outside this package imports what needs torch until a real run is asked
for.
"""
