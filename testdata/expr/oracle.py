"""Runs expressions in CPython: JSON lines of cases on the input, JSON lines of results on the output."""
import ast
import io
import json
import os
import re
import resource
import sys
from contextlib import redirect_stdout
from ipaddress import ip_address, ip_network
from types import GeneratorType, ModuleType


def canon(v, depth=0):
    """repr with sets in order and without addresses."""
    if depth > 40:
        return "..."
    if isinstance(v, (set, frozenset)):
        inner = ", ".join(sorted(canon(x, depth + 1) for x in v))
        name = type(v).__name__
        if not v:
            return name + "()"
        return "{" + inner + "}" if name == "set" else "frozenset({" + inner + "})"
    if type(v) is list:
        return "[" + ", ".join(canon(x, depth + 1) for x in v) + "]"
    if type(v) is tuple:
        return "(" + ", ".join(canon(x, depth + 1) for x in v) + ("," if len(v) == 1 else "") + ")"
    if type(v) is dict:
        return "{" + ", ".join(canon(k, depth + 1) + ": " + canon(x, depth + 1) for k, x in v.items()) + "}"
    return re.sub(r" at 0x[0-9a-f]+", " at 0x0", repr(v))


class Rel:
    def __init__(self, items, kind="Group"):
        self._items = items
        self._kind = kind

    def all(self):
        return self

    def _match(self, o, kw):
        for k, want in kw.items():
            field, _, op = k.partition("__")
            have = getattr(o, field, None)
            if op == "":
                ok = have == want
            elif op == "startswith":
                ok = have.startswith(want)
            else:
                raise TypeError("unsupported lookup " + k)
            if not ok:
                return False
        return True

    def filter(self, **kw):
        return Rel([o for o in self._items if self._match(o, kw)], self._kind)

    def exclude(self, **kw):
        return Rel([o for o in self._items if not self._match(o, kw)], self._kind)

    def exists(self):
        return bool(self._items)

    def count(self):
        return len(self._items)

    def first(self):
        return self._items[0] if self._items else None

    def get(self, **kw):
        found = self.filter(**kw)._items
        if not found:
            raise DoesNotExist(self._kind + " matching query does not exist.")
        return found[0]

    def get_or_create(self, **kw):
        found = self.filter(**kw)._items
        if found:
            return found[0], False
        return make(self._kind, kw), True

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)


class DoesNotExist(Exception):
    pass


class SkipObject(Exception):
    pass


kinds = {}


def kind(name):
    if name not in kinds:
        kinds[name] = type(name, (), {"__repr__": lambda self: "<" + name + ">"})
    return kinds[name]


def make(name, fields):
    o = kind(name)()
    for k, v in fields.items():
        if k.endswith("()"):
            setattr(o, k[:-2], lambda *a, _v=v, **kw: _v)
        elif k != "$":
            setattr(o, k, v)
    return o


def environment():
    with open(os.path.join(os.path.dirname(__file__), "env.json"), encoding="utf-8") as f:
        raw = json.load(f)
    done = {}

    def get(name):
        if name not in done:
            node = raw[name]
            done[name] = kind(node["$"])() if isinstance(node, dict) and "$" in node else build(node)
            if isinstance(node, dict) and "$" in node:
                for k, v in node.items():
                    if k == "$":
                        continue
                    v = build(v)
                    if k.endswith("()"):
                        setattr(done[name], k[:-2], lambda *a, _v=v, **kw: _v)
                    else:
                        setattr(done[name], k, v)
        return done[name]

    def build(x):
        if isinstance(x, list):
            return [build(y) for y in x]
        if not isinstance(x, dict):
            return x
        if "$ref" in x:
            return get(x["$ref"])
        if "$rel" in x:
            return Rel([build(y) for y in x["$rel"]])
        if "$" in x:
            return make(x["$"], {k: build(v) for k, v in x.items()})
        return {k: build(v) for k, v in x.items()}

    return {name: get(name) for name in raw}


def real(env):
    messages = []
    user = env["user"]

    def ak_message(m):
        messages.append(m)

    def ak_is_group_member(u, **kw):
        return u.ak_groups.filter(**kw).exists()

    def ak_user_by(**kw):
        return Rel([user], "User").filter(**kw).first()

    def ak_user_has_authenticator(u, device_type=None):
        return device_type in (None, "totp")

    def ak_call_policy(name, **kw):
        return make("PolicyResult", {"passing": name != "local-access", "messages": ("from " + name, str(len(kw))), "raw_result": None})

    def regex_match(value, pattern):
        return re.search(pattern, value) is not None

    def regex_replace(value, pattern, repl):
        return re.sub(pattern, repl, value)

    def list_flatten(value):
        if isinstance(value, list):
            return next(iter(value), None)
        return value

    class Logger:
        def _log(self, text, **kw):
            messages.append("log " + text)

        info = debug = warning = error = _log

    models = ModuleType("authentik.core.models")
    models.Group = kind("Group")
    models.Group.objects = user.ak_groups
    models.Group.DoesNotExist = DoesNotExist
    models.User = kind("User")
    models.User.objects = Rel([user], "User")
    models.User.DoesNotExist = DoesNotExist
    sys.modules["authentik"] = ModuleType("authentik")
    sys.modules["authentik.core"] = ModuleType("authentik.core")
    sys.modules["authentik.core.models"] = models
    fns = dict(locals())
    out = {k: fns[k] for k in "ak_message ak_is_group_member ak_user_by ak_user_has_authenticator ak_call_policy regex_match regex_replace list_flatten".split()}
    out.update(ak_logger=Logger(), ak_client_ip=ip_address("10.0.0.9"), ip_address=ip_address, ip_network=ip_network, SkipObject=SkipObject)
    return out, messages


def run(case):
    env = {}
    messages = []
    if case.get("real"):
        env = environment()
        more, messages = real(env)
        env.update(more)
    try:
        tree = ast.parse(case["src"])
        fn = ast.parse("def handler(" + ", ".join(k for k in env) + "):\n pass").body[0]
        fn.body = tree.body or [ast.Pass(lineno=1, col_offset=0)]
        mod = ast.fix_missing_locations(ast.Module(body=[fn], type_ignores=[]))
        scope = {}
        exec(compile(mod, "expr", "exec"), scope)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        return {"error": "SyntaxError", "message": str(e)}
    out = io.StringIO()
    try:
        with redirect_stdout(out):
            v = scope["handler"](**env)
            if isinstance(v, GeneratorType):
                v = list(v)
        res = {"value": canon(v)}
        try:
            res["json"] = json.dumps(v, sort_keys=True, default=str)
        except (TypeError, ValueError, RecursionError):
            pass
    except BaseException as e:
        line, tb = 0, e.__traceback__
        while tb:
            if tb.tb_frame.f_code.co_filename == "expr":
                line = tb.tb_lineno
            tb = tb.tb_next
        res = {"error": type(e).__name__, "message": str(e), "line": line}
    if messages:
        res["messages"] = [str(m) for m in messages]
    if out.getvalue():
        res["out"] = out.getvalue()
    if case.get("real"):
        res["context"] = canon({k: v for k, v in env["context"]["prompt_data"].items()})
    return res


sys.set_int_max_str_digits(4300)
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
