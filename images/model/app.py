"""Answers which digit is written in 8 by 8 pixels, and how sure the model is of each digit."""

import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field

FOLDER = Path(os.environ.get("MODEL", "/srv/model"))
ABOUT = json.loads((FOLDER / "model.json").read_text())
LARGEST_BODY = 1024 * 1024

Pixel = Annotated[float, Field(ge=0, le=16, allow_inf_nan=False)]
Picture = Annotated[list[Pixel], Field(min_length=64, max_length=64)]


class Pictures(BaseModel):
    """What is asked: pictures of 8 by 8 pixels, row by row, from 0 (paper) to 16 (ink)."""

    pixels: Annotated[list[Picture], Field(min_length=1, max_length=1000)]


def load_model():
    """The model in the image; one that was changed since it was built is not served."""
    content = (FOLDER / "model.onnx").read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != ABOUT["sha256"]:
        raise SystemExit(f"model.onnx is {found}, and it was built as {ABOUT['sha256']}")
    # One thread: a sum that is split differs in its last bits from machine to machine.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


session = load_model()
application = FastAPI(title="Digits", docs_url=None, redoc_url=None)


def score(pictures):
    """Labels and probabilities, one row for each picture."""
    labels, probabilities = session.run(None, {"X": np.array(pictures, np.float32)})
    return labels, probabilities


@application.middleware("http")
async def refuse_large_bodies(request: Request, answer):
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST_BODY:
        return JSONResponse({"detail": f"at most {LARGEST_BODY} bytes"}, status_code=413)
    return await answer(request)


@application.exception_handler(RequestValidationError)
async def tell_what_is_wrong(request: Request, error: RequestValidationError):
    # Without what was sent: an infinite number cannot be sent back as JSON.
    wrong = [{"where": list(one["loc"]), "why": one["msg"]} for one in error.errors()[:10]]
    return JSONResponse({"detail": wrong}, status_code=422)


@application.get("/healthz", response_class=PlainTextResponse)
async def health():
    """Ready when it can tell what a blank picture is."""
    _, probabilities = score([[0.0] * 64])
    if not np.isfinite(probabilities).all():
        raise HTTPException(503, "the model does not answer with numbers")
    return "ok"


@application.get("/model")
async def about():
    versions = {"onnxruntime": onnxruntime.__version__, "numpy": np.__version__}
    return {**ABOUT, **versions, "python": platform.python_version()}


@application.post("/predict")
async def predict(asked: Pictures, digits: Annotated[int, Query(ge=1, le=60)] = ABOUT["digits"]):
    labels, probabilities = score(asked.pixels)
    rounded = [[round(value, digits) for value in row] for row in probabilities.tolist()]
    return {"labels": labels.tolist(), "probabilities": rounded, "digits": digits}
