"""Real reinforcement finetuning: a transformer, a sampling engine, verifiers, policy gradients.

Everything here needs torch and transformers (`pip install -e '.[rft]'`); nothing outside this
package imports it until a real run is asked for.
"""
