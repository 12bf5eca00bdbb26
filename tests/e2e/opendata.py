"""A validator of published open data, written from the specifications: Table Schema and Data Package 1.0 (Frictionless),
the layout of schema.data.gouv.fr, DCAT 2 as JSON-LD. Each function returns what is wrong, in words."""

import csv
import io
import json
import os
import re

TYPES = {"string", "number", "integer", "boolean", "object", "array", "date", "time", "datetime", "year", "yearmonth", "duration",
         "geopoint", "geojson", "any"}
CONSTRAINTS = {"required", "unique", "minLength", "maxLength", "minimum", "maximum", "pattern", "enum"}
FRENCH_LAYOUT = ["name", "title", "description", "countryCode", "homepage", "path", "version", "created", "lastModified", "contributors",
                 "licenses", "fields", "resources"]
NAME = re.compile(r"^[a-z0-9][a-z0-9._-]*$")
SEMVER = re.compile(r"^\d+\.\d+\.\d+$")
DAY = re.compile(r"^\d{4}-\d\d-\d\d$")
MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
PREFIXES = {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "foaf": "http://xmlns.com/foaf/0.1/",
            "xsd": "http://www.w3.org/2001/XMLSchema#"}


def read(path):
    """A file's bytes."""
    with open(path, "rb") as file:
        return file.read()


def _texts(what, names):
    return [f"« {name} » is no text" for name in names if not isinstance(what.get(name), str) or not what[name]]


def check_licences(licences):
    """Both specifications: name or path, and a title."""
    if not isinstance(licences, list) or not licences:
        return ["no licence"]
    return [f"licence {one} is incomplete" for one in licences
            if not {"name", "title", "path"} <= set(one) or not one["path"].startswith("https://")]


def check_schema(schema):
    """Table Schema, and what schema.data.gouv.fr wants beside it."""
    wrong = [f"« {name} » is missing" for name in FRENCH_LAYOUT if name not in schema]
    wrong += _texts(schema, ["name", "title", "description", "homepage", "path"])
    wrong += check_licences(schema.get("licenses"))
    wrong += [] if NAME.match(schema.get("name", "")) else ["name"]
    wrong += [] if SEMVER.match(schema.get("version", "")) else ["version"]
    wrong += [name for name in ("created", "lastModified") if not DAY.match(schema.get(name, ""))]
    wrong += [f"contributor {one}" for one in schema.get("contributors", []) if not one.get("title")]
    names = [field.get("name") for field in schema.get("fields", [])]
    wrong += [] if names and len(set(names)) == len(names) else ["fields without a name of their own"]
    for field in schema.get("fields", []):
        wrong += [f"{field.get('name')}: {fault}" for fault in _texts(field, ["name", "title", "description", "type", "example"])]
        wrong += [] if field.get("type") in TYPES else [f"{field.get('name')}: type {field.get('type')}"]
        constraints = field.get("constraints", {})
        wrong += [f"{field['name']}: constraint {name}" for name in constraints if name not in CONSTRAINTS]
        if not isinstance(constraints.get("required", False), bool):
            wrong.append(f"{field['name']}: required is no boolean")
        wrong += [f"{field['name']}: its own example" for fault in [check_cell(field, field.get("example", ""), [""])] if fault]
    return wrong


def check_cell(field, text, missing):
    """One value against its field; None when it is right."""
    constraints = field.get("constraints", {})
    if text in missing:
        return "is required" if constraints.get("required") else None
    if field["type"] == "integer" and not re.fullmatch(r"-?\d+", text) or field["type"] == "number" and not re.fullmatch(r"-?\d+(\.\d+)?", text):
        return f"is no {field['type']}"
    if "pattern" in constraints and not re.fullmatch(constraints["pattern"], text):
        return "does not match its pattern"
    if "enum" in constraints and text not in constraints["enum"]:
        return "is none of its values"
    return None


def check_table(data, schema):
    """A CSV's bytes against its schema: UTF-8, LF, the header, every value."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ["not UTF-8"]
    if text.startswith("\ufeff") or not text.endswith("\n"):
        return ["a byte order mark, or no end of line at the end"]
    rows = list(csv.reader(io.StringIO(text, newline="")))
    fields, wrong = schema["fields"], []
    if rows[0] != [field["name"] for field in fields]:
        return [f"header {rows[0]}"]
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(fields):
            wrong.append(f"row {number} has {len(row)} values")
            continue
        for field, value in zip(fields, row):
            fault = check_cell(field, value, schema.get("missingValues", [""]))
            if fault:
                wrong.append(f"row {number}, {field['name']} {fault}: {value!r}")
    return wrong


def check_package(package, folder):
    """Data Package: its own members, and each resource with its file and schema."""
    wrong = _texts(package, ["name", "title", "description", "homepage", "profile"]) + check_licences(package.get("licenses"))
    wrong += [] if NAME.match(package.get("name", "")) else ["name"]
    wrong += [] if SEMVER.match(package.get("version", "")) else ["version"]
    wrong += [] if MOMENT.match(package.get("created", "")) else ["created"]
    if not package.get("resources"):
        return wrong + ["no resource"]
    for resource in package["resources"]:
        wrong += _texts(resource, ["name", "path", "format", "mediatype", "encoding", "schema"])
        wrong += [] if NAME.match(resource["name"]) else ["resource's name"]
        if os.path.isabs(resource["path"]) or ".." in resource["path"]:
            wrong.append("resource's path")
            continue
        data = read(os.path.join(folder, resource["path"]))
        wrong += [] if resource["bytes"] == len(data) else ["bytes"]
        wrong += [] if resource["dialect"]["delimiter"] == "," and resource["dialect"]["header"] is True else ["dialect"]
        wrong += check_table(data, json.loads(read(os.path.join(folder, resource["schema"]))))
    return wrong


def _french(value):
    return isinstance(value, dict) and value.get("@language") == "fr" and bool(value.get("@value"))


def _iri(value):
    return isinstance(value, dict) and bool(value.get("@id"))


def check_dcat(dataset, folder):
    """DCAT 2: the members that DCAT-AP calls mandatory or recommended, in French."""
    wrong = [] if dataset.get("@context") == PREFIXES else ["@context"]
    wrong += [] if dataset.get("@type") == "dcat:Dataset" and dataset.get("@id") else ["no dataset"]
    wrong += [name for name in ("dct:title", "dct:description") if not _french(dataset.get(name))]
    wrong += [name for name in ("dct:license", "dct:spatial", "dct:language", "dcat:theme", "dcat:landingPage") if not _iri(dataset.get(name))]
    wrong += [] if dataset.get("dcat:keyword") and all(_french(one) for one in dataset["dcat:keyword"]) else ["dcat:keyword"]
    publisher = dataset.get("dct:publisher", {})
    wrong += [] if publisher.get("@type") == "foaf:Organization" and publisher.get("foaf:name") else ["dct:publisher"]
    issued = dataset.get("dct:issued", {})
    wrong += [] if issued.get("@type") == "xsd:dateTime" and MOMENT.match(issued.get("@value", "")) else ["dct:issued"]
    if "dct:temporal" in dataset:
        when = dataset["dct:temporal"]
        days = [when[name]["@value"] for name in ("dcat:startDate", "dcat:endDate")]
        wrong += [] if all(map(DAY.match, days)) and days[0] < days[1] else ["dct:temporal"]
    one = dataset.get("dcat:distribution", {})
    wrong += [] if one.get("@type") == "dcat:Distribution" and _french(one.get("dct:title")) else ["dcat:distribution"]
    wrong += [name for name in ("dct:license", "dct:format", "dcat:mediaType", "dcat:accessURL", "dcat:downloadURL", "dct:conformsTo")
              if not _iri(one.get(name))]
    size = len(read(os.path.join(folder, one["dcat:downloadURL"]["@id"])))
    wrong += [] if one.get("dcat:byteSize", {}).get("@value") == str(size) else ["dcat:byteSize"]
    return wrong


def check_folder(folder):
    """All of a publication."""
    names = sorted(os.listdir(folder))
    if names != ["datapackage.json", "dcat.jsonld", "indicateurs.csv", "schema.json"]:
        return [f"files {names}"]
    schema, package, dataset = (json.loads(read(os.path.join(folder, name))) for name in ("schema.json", "datapackage.json", "dcat.jsonld"))
    return check_schema(schema) + check_package(package, folder) + check_dcat(dataset, folder)
