"""What is remembered of a kit, read out of the kit itself: the same by whoever reads it."""

import hashlib
import tomllib
import zipfile

from matrix.bundle.kit import MANIFEST, Kit
from matrix.bundle.kit_policy import POLICY
from matrix.bundle.project_files import ROOT
from matrix.core.errors import Refused
from matrix.core.kits import IssuedKit

CATALOGUE = f"{ROOT}/images/catalogue.toml"


def record_of(kit: Kit) -> IssuedKit:
    """The record of *kit*; raises Refused for one that does not hold what it should."""
    manifest = kit.manifest
    with zipfile.ZipFile(kit.path) as archive:
        digest = hashlib.sha256(archive.read(MANIFEST)).hexdigest()
    try:
        services = tomllib.loads(kit.read(CATALOGUE).decode("utf-8"))["services"]
        policy = manifest.files[POLICY]
        images = {name: manifest.images[services[name]["image"]] for name in manifest.services}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise Refused(
            "the kit holds no policy, or a catalogue that does not fit what it says about itself"
        ) from error
    return IssuedKit(
        nonce=manifest.nonce,
        customer=manifest.customer,
        built_at=manifest.built_at,
        expires_at=manifest.expires_at,
        digest=digest,
        policy=policy,
        images=images,
        probes={name: manifest.probes.get(name, "") for name in manifest.services},
    )
