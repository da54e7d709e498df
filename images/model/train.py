"""Train a classifier of handwritten digits and write it as ONNX, with the digits kept for testing.

train.py FOLDER writes model.onnx, and holdout.json: {"pixels": [[64 numbers 0 to 16] …]} with
labels.json: the digit that each of them shows.
"""

import json
import sys
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

folder = Path(sys.argv[1])
pixels, digits = load_digits(return_X_y=True)
known, unseen, known_digits, unseen_digits = train_test_split(
    pixels.astype(np.float32), digits, test_size=0.25, random_state=0, stratify=digits
)
classifier = make_pipeline(
    StandardScaler(), MLPClassifier((64,), max_iter=300, random_state=0)
).fit(known, known_digits)

exported = to_onnx(classifier, known[:1], options={"zipmap": False})
(folder / "model.onnx").write_bytes(exported.SerializeToString())
(folder / "holdout.json").write_text(json.dumps({"pixels": unseen.astype(int).tolist()}))
(folder / "labels.json").write_text(json.dumps(unseen_digits.tolist()))
