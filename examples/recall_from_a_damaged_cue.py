"""Learn maps, then recall them from cues in which some elements are flipped.

Expect: recall is perfect from intact cues and falls as more of the cue is damaged. The state starts at random, so
what is recalled comes from the weights and the cue alone.
"""

# %% Learn ten maps.
import numpy as np

from brainmem import Each, Protocol, get_model, measure, simulate

model = get_model("kurikawa2020")
parameters = {"N": 100, "M": 10, "epochs": 5, "test_epochs": (), "starts": 3}
trained = simulate(model, parameters=parameters, seed=2)

# %% Test with frozen weights. The same compiled program serves every level of damage.
recall = Protocol(model.protocol.phases, (Each("recall", items="M", repeats="starts"),))
tester, rng = model.replace(protocol=recall), np.random.default_rng(0)
for damage in (0.0, 0.1, 0.2, 0.3, 0.4):
    flipped = np.where(rng.random(trained.cue.shape) < damage, -1, 1)
    result = simulate(
        tester,
        parameters=parameters,
        inputs={"cue": trained.cue.values * flipped, "target": trained.target.values},
        weights={"recurrent": trained.recurrent_w.values[-1]},
        seed=2,
    )
    score = measure.recall_table(result)["score"]
    print(f"{damage:.0%} of the cue flipped: overlap with the target {float(score.mean()):.2f}")
