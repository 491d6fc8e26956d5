"""Records how python-dotenv reads the files of the corpus: python record.py > corpus.jsonl

Run it with the python-dotenv that is the truth (1.2.4 when this was written). The first line holds the
environment of all files, each other one a file: {"name", "text" or "base64", "values": [[key, value or null],
...], "lines": [first line of each skipped statement]}, or "error" in place of the last two. The same run always
writes the same corpus.
"""
import base64
import itertools
import json
import pathlib
import random
import sys
import tempfile

import dotenv

sys.dont_write_bytecode = True  # the folder is test data
from read import read  # noqa: E402

ENV = {"E": "from env", "A": "env A", "EMPTY": "", "SP ACE": "spaced"}

# name -> file; str is stored as UTF-8
WRITTEN = {
    "empty": "",
    "bom only": "\ufeff",
    "two boms": "\ufeff\ufeffA=1\n",
    "bom": "\ufeffA=1\n",
    "bom before export": "\ufeffexport A=1",
    "bom before comment": "\ufeff# c\nA=1\n",
    "bom later": "A=1\n\ufeffB=2\n",
    "newline only": "\n",
    "cr only": "\r",
    "blank lines": "\n \n\t\n\r\n",
    "spaces, no newline": "   ",
    "comments only": "# one\n  # two\n#three",
    "comment with quote": "# don't\nA=1\n# say \"hi\nB=2\n",
    "no final newline": "A=1",
    "crlf": "A=1\r\nB='2'\r\nC=\"3\" # c\r\n",
    "cr": "A=1\rB='2'\rC=\"3\" # c\r",
    "mixed newlines": "A=1\nB=2\r\nC=3\rD=4",
    "lf cr": "A=1\n\rB=2\n\r",
    "crlf in quotes": "A='x\r\ny'\r\nB=\"x\r\ny\"\r\n",
    "cr in quotes": "A='x\ry'\rB=\"x\ry\"\r",
    "cr at the end of quotes": "A='x\r'\nB='\r'\n",
    "escaped crlf": "A=\"x\\\r\ny\"\r\nB='x\\\r\ny'\r\n",
    "crlf in a name": "'A\r\nB'=1\r\n",
    "export": "export A=1\n export\tB=2\nexport  C = 3\n",
    "export and nothing": "export\nA=1",
    "export, blank, nothing": "export \nA=1\nexport\t",
    "export as a key": "export=1\n",
    "export as a key, spaced": "export =1\nA=2\n",
    "export twice": "export export A=1\nexport export=2\n",
    "export comment": "export # c\nA=1\n",
    "export quoted": "export 'A B'=1\n",
    "export bare": "export A\nexport B # c\n",
    "exported": "exported=1\nexportA=2\nEXPORT A=3\n",
    "export over the line": "export\nA=1\n",
    "export with exotic blank": "export\u00a0A=1\nexport\u3000B=2\nexport\u200bC=3\n",
    "bare": "A\nB\n",
    "bare with comment": "A # c\nB#c\nC\t#\n",
    "bare with junk": "A b\nB c=d\nC=1\n",
    "bare, then value": "A\nA=1\nB=2\nB\n",
    "bare quoted": "'A'\n'B C' # d\n'D'e\n",
    "null reference": "A\nB=${A}\nC=${A:-x}\nD=x${A}y\n",
    "empty values": "A=\nB= \nC=\t\nD=''\nE=\"\"\nF=",
    "empty with comment": "A= # c\nB=# c\nC=\t#c\nD=#c\nE=''# c\nF=\"\"#c\n",
    "no key": "=1\nA=1\n =2\n==3\n",
    "equal signs": "A==\nB=a=b\nC=a==\n",
    "spaces around equal": "A = 1\nB =2\nC= 3\nD\t=\t4\n",
    "spaces inside": "A=a b\nB=a  b  \nC= a\tb \n",
    "hash": "A=a#b\nB=a #b\nC=a # b # c\nD=a  #b\nE=#\nF=##\nG=a#\nH=a #\n",
    "hash after exotic space": "A=a\u00a0#b\nB=a\u3000#b\nC=a\u200b#b\nD=a\v#b\nE=a\x1c#b\n",
    "hash in quotes": "A='a # b'\nB=\"a # b\"\nC='a'#b\nD=\"a\" #b\n",
    "unquoted with quotes": "A=a'b\nB=a\"b\nC=a'b'\nD=it's \"x\"\n",
    "after quotes": "A='a' b\nB=\"a\"b\nC='a''b'\nD=\"a\"'b'\nE=1\n",
    "single": "A='a b'\nB='a\"b'\nC='a\\'b'\nD='a\\\\b'\nE='a\\nb'\nF='\\x'\n",
    "double": "A=\"a b\"\nB=\"a'b\"\nC=\"a\\\"b\"\nD=\"a\\\\b\"\nE=\"a\\nb\"\nF=\"\\x41\\u0041\\101\\0\"\n",
    "all escapes double": "A=\"\\\\|\\'|\\\"|\\a|\\b|\\f|\\n|\\r|\\t|\\v|\\e|\\$|\\`|\\ |\\#\"\n",
    "all escapes single": "A='\\\\|\\'|\\\"|\\a|\\b|\\f|\\n|\\r|\\t|\\v|\\e|\\$|\\`|\\ |\\#'\n",
    "escapes unquoted": "A=a\\nb\nB=\\\\\nC=\\'x\\'\nD=a\\\nE=1\n",
    "backslash before the closing quote": "A='a\\\\'\nB=\"a\\\\\"\nC=1\n",
    "backslash runs": "A=\"\\\\\\\\n\"\nB=\"\\\\\\n\"\nC='\\\\\\\\'\nD='\\\\\\''\n",
    "escaped quote closes nothing": "A='a\\'\nB=1\nC='\n",
    "multi-line": "A='one\ntwo\nthree'\nB=\"four\n\nfive\n\"\nC=6\n",
    "multi-line with lines that look like keys": "A='\nB=1\n# c\nexport C=2\n'\nD=3\n",
    "multi-line then junk": "A='one\ntwo' junk\nB=1\n",
    "multi-line, comment": "A=\"one\ntwo\" # c\nB=1\n",
    "unclosed double": "A=1\nB=\"abc\nC=2\n",
    "unclosed single": "A=1\nB='abc\nC=2\n",
    "unclosed at the end": "A=1\nB=\"abc",
    "unclosed, later closed": "A=\"abc\nB=2\nC=\"d\"\nE=3\n",
    "unclosed single, apostrophe later": "A='abc\nB=2\n# don't\nC=3\n",
    "unclosed both": "A=\"abc\nB='def\nC=3\n",
    "unclosed both, other order": "A='abc\nB=\"def\nC=3\n",
    "unclosed with escaped quote": "A=\"abc\\\"\nB=2\n",
    "unclosed name": "'A=1\nB=2\n",
    "unclosed name, closed later": "'A=1\nB='2'\nC=3\n",
    "empty name": "''=1\nA=2\n",
    "just quotes": "'\n\"\n''\n\"\"\n",
    "double-quoted name": "\"A\"=1\n\"B C\"=2\nD=3\n",
    "quoted names": "'A'=1\n'B C'=2\n'D=E'=3\n'F#G'=4\n' '=5\n'H\nI'=6\n'J' =7\n",
    "backslash in quoted name": "'A\\'=1\n'B\\'C'=2\nD=3\n",
    "names": "a.b=1\na-b=2\n1=3\n$A=4\n@=5\n\u00e9=6\n\u65e5\u672c=7\n\U0001f511=8\nA:B=9\n!=10\n\\=11\n",
    "quote inside name": "A'B=1\nA\"B=2\n",
    "yaml": "A: 1\nB:2\nC: '3'\n",
    "shell": "if [ -f x ]; then\nA=1\nfi\nexport PATH=$PATH:/bin\nB=$(date)\nC=`date`\n",
    "ini": "[section]\nA=1\n; c\n",
    "json": "{\n  \"A\": \"1\"\n}\n",
    "duplicates": "A=1\nB=2\nA=3\n",
    "duplicates and references": "A=1\nB=${A}\nA=2\nC=${A}\nB=${B}x\n",
    "itself": "A=${A}\nE=${E}:x\nN=${N}\n",
    "reference": "X=1\nB=${X}\nC='${X}'\nD=\"${X}\"\nF=a${X}b${X}c\n",
    "later reference": "B=${Z}\nZ=1\n",
    "reference to env": "X=${E}\nY='${E}'\nZ=\"${E}\"\n",
    "file before env": "A=mine\nB=${A}\n",
    "default": "B=${X:-d}\nC=${E:-d}\nD=${EMPTY:-d}\nF=${X:-}\nG=${X:-a:-b}\nH=${X:-'q'}\n",
    "default is not expanded": "X=1\nB=${Y:-${X}}\n",
    "value is not expanded again": "X='${:-$}{E}'\nB=${X}\n",
    "odd references": "A1=${}\nB=${:-x}\nC=${:x}\nD=${X:x}\nG=${X-d}\nH=$X\nI=$$\nJ=${\nK=$}\nL=${X\nM=$ {X}\n",
    "nested braces": "X=1\nB=${${X}}\nC=${X}}\nD=${{X}}\nF={${X}}\nG=$${X}\nH=\\${X}\nI=\"\\${X}\"\nJ='\\${X}'\n",
    "colons": "X=1\nB=${X:}${X}\nC=${a:b${X}\nD=${a:b${X:-c}\nF=${a:-b${X}\n",
    "space in a reference": "B=${SP ACE}\nC=${ X}\nD=${X }\nF=\"${\nX}\"\n",
    "quotes in a reference": "'Q R'=1\nB=${Q R}\nC=${'X'}\n",
    "reference cut by a comment": "X=1\nB=${X #}\nC=${X:-a #b}\nD='${X:-a #b}'\n",
    "reference made by escapes": "X=1\nB=\"$\\{X}\"\nC=\"${\\nX}\"\nD=\"${X\\t}\"\n",
    "literal dollar": "A='${:-$}{E}'\nB=${:-$}{E:-x}\nC=\"${:-\\\\}\"\n",
    "unicode spaces": "\u00a0A=1\n\u3000B\u2003=\u20092\u00a0\nC=3\u2028D=4\nF=5\u0085G=6\n",
    "vertical tab and form feed": "A=1\vB=2\n\fC=3\nD=\v4\v\n",
    "separators": "A=1\x1cB=2\n\x1dC=3\x1e\nD=\x1f4\n\x1eF=5\n",
    "no spaces these": "A=\u200b1\u200b\nB=\u20602\nC=\ufeff3\n\u180eD=4\n",
    "nul": "A=a\0b\nB\0=1\n",
    "controls": "A=\x01\x02\x7f\nB='\x1b[0m'\nC=\x08\n",
    "astral": "A=\U0001f600\nB='\U0001f600'\nC=\"\U0001f600\\n\"\n",
    "non-characters": "A=\uffff\nB=\U0010ffff\n",
    "invalid byte": b"A=1\nB=\xff\n",
    "invalid latin-1": "A=caf\u00e9\n".encode("latin-1"),
    "invalid at the end": b"A=1\n\xc3",
    "invalid overlong": b"A=\xc0\xaf\n",
    "invalid surrogate": b"A=\xed\xa0\x80\n",
    "invalid too large": b"A=\xf4\x90\x80\x80\n",
    "invalid in a comment": b"# \x80\nA=1\n",
    "utf-16": "A=1\n".encode("utf-16"),
    "auth0": "AUTH_CLIENT_ID=abc\nAUTH_CLIENT_SECRET='x#y z'\nAUTH_ISSUER_BASE_URL=https://t.us.auth0.com\n"
             "AUTH_SECRET=00-_=\n# AUTH_PARAMS_SCOPE=openid\n",
    "credentials": "username_main_app=ann\npassword_main_app=\"p # q\"\n",
    "pem": "KEY=\"-----BEGIN X-----\nabc+/=\ndef==\n-----END X-----\n\"\nB=1\n",
    "json value": "A={\"a\": \"b # c\"}\nB='{\"a\": \"b # c\"}'\nC={'a': 1} # c\n",
    "urls": "DB=postgres://u:p@h/db?x=1#frag\nB=https://h/#/x\nC='https://h/ #x'\n",
    "windows paths": "A=C:\\new\\table\nB=\"C:\\new\\table\"\nC='C:\\new\\table'\nD=C:\\dir\\\n",
    "leading zeros": "A=00123\nB=+5\nC=1e3\nD=0x10\nF=true\nG=null\n",
    "long value": "A=" + "x" * 5000 + "\nB='" + "y z" * 2000 + "'\n",
    "many lines": "".join(f"K{i}={i}\n" for i in range(300)),
    "many malformed lines": "".join(f"K{i} {i}\n" for i in range(50)) + "A=1\n",
    "chain": "A0=x\n" + "".join(f"A{i + 1}=${{A{i}}}{i}\n" for i in range(40)),
}

PIECES = [
    "a", "b", "A", "n", "t", "0", " ", " ", "\t", "#", " #", "=", "'", '"', "\\", "\\\\", "\\'", '\\"', "\\n", "\\x",
    "$", "${", "}", "${A}", "${B:-b}", "${:-x}", ":", ":-", "${E}", "$A", "-", "export ", "\n", "\r", "\r\n", "\v",
    "\x1c", "\u0085", "\u00a0", "\u2003", "\u200b", "\u2028", "\u3000", "\u00e9", "\ufeff", "\U0001f511",
]
KEYS = ["A", "B", "C", "A", "B", "'A B'", "username_main_app", "export", "K\\", "\u00e9", ""]
BLANKS = ["", "", "", " ", "\t", "\u00a0", "\v"]
ENDS = ["\n", "\n", "\n", "\r\n", "\r", "\n\n", ""]


def crossed():
    """Every kind of value with every kind of neighbour."""
    values = ["", "v", "v w", "'v w'", '"v w"', "'v", '"v', "#v", "'v\nw'", '"v\\"', "${A}", "'${A}'"]
    befores = {"": "=", "export": "=", "spaced": " = "}
    behinds = ["", " ", " # c", "#c", " c", "\r\nZ=1", "\n'"]
    for value, (before, equal), behind in itertools.product(values, befores.items(), behinds):
        prefix = "export " if before == "export" else ""
        yield f"A=0\n{prefix}K{equal}{value}{behind}"


def generated(count):
    chance = random.Random(20240607)

    def pieces():
        return "".join(chance.choices(PIECES, k=chance.randrange(7)))

    def value():
        quote = chance.choice(["", "", "'", '"'])
        return quote + pieces() + quote

    def line():
        kind = chance.randrange(8)
        if kind == 0:
            return pieces()
        if kind == 1:
            return chance.choice(BLANKS) + "#" + pieces()
        key = chance.choice(["", "", "export "]) + chance.choice(KEYS) + chance.choice(BLANKS)
        if kind == 2:
            return key
        behind = chance.choice(["", "", " # c", "#c", " junk"])
        return chance.choice(BLANKS) + key + "=" + chance.choice(BLANKS) + value() + behind

    for _ in range(count):
        yield chance.choice(["", "", "", "\ufeff"]) + "".join(
            line() + chance.choice(ENDS) for _ in range(chance.randrange(1, 7)))


def files():
    yield from WRITTEN.items()
    for number, text in enumerate(crossed(), 1):
        yield f"crossed {number}", text
    for number, text in enumerate(generated(400), 1):
        yield f"generated {number}", text


def record(name, content, path):
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(data)
    answer = read(data, ENV)
    if "error" not in answer:
        from_path = dotenv.dotenv_values(path)
        assert list(from_path.items()) == [tuple(p) for p in answer["values"]], name
    answer.pop("raw", None)
    stored = {"base64": base64.b64encode(data).decode()} if isinstance(content, bytes) else {"text": content}
    return {"name": name, **stored, **answer}


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, ".env")
        print(json.dumps({"env": ENV}))
        for name, content in files():
            print(json.dumps(record(name, content, path)))


if __name__ == "__main__":
    main()
