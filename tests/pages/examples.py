#!/usr/bin/env python3
"""examples.py SOCKX: runs every example of every manual page.

An example is a command line in a literal display of man/*: after a prompt, or a line that has sockx with a subcommand.
rows/PAGE has a row for each, or one for several that belong together:

    > sockx listen 5678             the command line, all white space as one blank; a line for each
    > sockx connect 192.0.2.7 5678
    run 1 & up 5678                 how to run it, in bash, with the functions of row.bash
    run 2; like 2

or, instead of how to run it, "cannot be run: REASON". A row runs in an empty folder and in network, process and mount
namespaces of its own, where the names and addresses of the examples belong to this host (hosts). All run side by side.
"""

import concurrent.futures, os, pathlib, re, subprocess, sys, tempfile

here = pathlib.Path(__file__).resolve().parent
pages = here.parent.parent / "man"
limit = 120  # seconds; only an example that hangs takes so long


def plain(line):
    """A line of mdoc in a literal display, as readers see it."""
    return line.replace("\\&", "").replace("\\e", "\\").replace("\\-", "-").replace("\\ ", " ")


def is_complete(command):
    if command.rstrip().endswith(("\\", "|")):
        return False
    return subprocess.run(["bash", "-n", "-c", command], stderr=subprocess.DEVNULL).returncode == 0


def key(command):
    return " ".join(command.replace("\\\n", " ").split())


def examples_in(page):
    """The command lines of a page, with the lines that it shows after each."""
    displays, display = [], None
    for line in page.read_text().splitlines():
        if line.startswith(".Bd -literal"):
            display = []
        elif line == ".Ed" and display is not None:
            displays.append(display)
            display = None
        elif line.startswith(".Dl "):
            displays.append([plain(line[4:])])
        elif display is not None:
            display.append(plain(line))
    found = []
    for display in displays:
        shown = None
        prompts = re.compile(r"\w*[$#] " if display[0].startswith("# ") else r"\w*\$ ")
        while display:
            line = display.pop(0)
            prompt = prompts.match(line)
            bare = re.match(r"(?:\S*[= ])?(?:\S*/)?(sockx [a-z-]+ .*)|.*[ =](?:/\S*/)?(sockx [a-z-]+ .*)", line)
            if prompt or (shown is None and bare):
                command = line[prompt.end():] if prompt else bare[1] or bare[2]
                while display and not is_complete(command):
                    command += "\n" + display.pop(0)
                if command == "echo $?":
                    found[-1] = (found[-1][0] + "; " + command, shown)
                    continue
                found.append((command, []))
                shown = found[-1][1] if prompt else None
            elif shown is not None:
                shown.append(line)
    return found


class Row:
    def __init__(self, page):
        self.page, self.keys, self.script = page, [], []
        self.commands, self.shown = [], []


def rows_of(page):
    file = here / "rows" / page.name
    rows = []
    for line in file.read_text().splitlines() if file.exists() else []:
        if line.startswith("> "):
            if not rows or rows[-1].script:
                rows.append(Row(page.name))
            rows[-1].keys.append(line[2:])
        elif line and not line.startswith("#"):
            rows[-1].script.append(line)
    return rows


def pattern(shown, exact):
    """What the page shows as a regular expression: however lines are broken, with ... for any lines; and, where it is
    not exact, with other numbers."""
    words = []
    for word in " ".join(shown).split():
        if word == "...":
            words.append(".*")
            continue
        word = re.escape(word)
        words.append(word if exact else re.sub(r"\d+", r"\\d+", word))
    return r"\s*" + r"\s+".join(words).replace(r"\s+.*\s+", r"\s.*\s").replace(r".*\s+", r".*") + r"\s*"


def run(row, sockx):
    with tempfile.TemporaryDirectory(prefix="sockx-example-") as folder:
        environment = {
            "PATH": f"{folder}/.bin:" + os.environ["PATH"] + ":/usr/sbin:/sbin",
            "HOME": folder, "LC_ALL": "C.UTF-8", "TZ": "UTC", "PAGES": str(here),
            **{f"EXAMPLE{i}": command for i, command in enumerate(row.commands, 1)},
        }
        os.mkdir(f"{folder}/.bin")
        for name in "sockx", "nc":
            os.symlink(sockx, f"{folder}/.bin/{name}")
        namespaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if os.geteuid() != 0:
            namespaces.append("--map-root-user")
        script = f". {here}/row.bash\n" + "\n".join(row.script)
        try:
            ended = subprocess.run([*namespaces, "bash", "-c", script], cwd=folder, env=environment, timeout=limit,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace")
            problem = f"status {ended.returncode}\n{ended.stdout}" if ended.returncode else ""
        except subprocess.TimeoutExpired as late:
            problem = f"it has not ended after {limit} s\n{late.stdout}"
        outputs = {i: pathlib.Path(f"{folder}/shown{i}") for i in range(1, len(row.commands) + 1)}
        if problem:
            for i, file in outputs.items():
                if file.exists():
                    problem += f"\nExample {i} printed:\n{file.read_text(errors='replace')}"
        comparisons = pathlib.Path(f"{folder}/.comparisons")
        for line in comparisons.read_text().splitlines() if comparisons.exists() and not problem else []:
            how, i = line.split()
            got = outputs[int(i)].read_text(errors="replace")
            if not re.fullmatch(pattern(row.shown[int(i) - 1], how == "same"), got, re.DOTALL):
                problem = "the page shows:\n" + "\n".join(row.shown[int(i) - 1]) + f"\nbut this was printed:\n{got}"
    return problem


def main():
    sockx = os.path.abspath(sys.argv[1])
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    problems, ready, not_run = [], [], 0
    for page in sorted(pages.iterdir()):
        left = examples_in(page)
        for row in rows_of(page):
            for wanted in row.keys:
                match = next((example for example in left if key(example[0]) == wanted), None)
                if match is None:
                    problems.append(f"tests/pages/rows/{page.name}: the page has no such example:\n{wanted}")
                    break
                left.remove(match)
                row.commands.append(match[0])
                row.shown.append(match[1])
            else:
                if row.script and row.script[0].startswith("cannot be run: "):
                    not_run += len(row.commands)
                elif only in row.page + " " + row.keys[0]:
                    ready.append(row)
        for command, _ in left:
            if only in page.name:
                problems.append(f"an example of man/{page.name} has no row in tests/pages/rows/{page.name}:\n> {key(command)}")
    with concurrent.futures.ThreadPoolExecutor(8 * (os.cpu_count() or 1)) as pool:
        for row, problem in zip(ready, pool.map(lambda row: run(row, sockx), ready)):
            if problem:
                problems.append(f"man/{row.page}: {row.keys[0]}\n{problem}")
    for problem in problems:
        print(problem, end="\n\n")
    examples = sum(len(row.commands) for row in ready)
    print(f"{examples} examples in {len(ready)} rows were run, {not_run} cannot be run, {len(problems)} problems")
    return bool(problems)


sys.exit(main())
