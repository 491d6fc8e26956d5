package supervise

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/pysource"
)

// crashed is the problem of an app that exited although it was not stopped. exit is nil if the system did not tell how;
// lastLines returns the last lines of its output.
func crashed(exit *platform.ExitError, lastLines func(n int) []string, s Spec) *platform.Problem {
	problem := diagnose(lastLines(keptLines), s)
	if problem.Msg == "" {
		problem.Msg, problem.Reason = "the app exited by itself", platform.ReasonCrash
		switch {
		case exit == nil:
		case exit.Code == 0:
			problem.Hint = "it must keep running: make sure that it starts its server and does not exit"
		case exit.Code == -1 && exit.Signal == "killed":
			problem.Hint = "the system may have killed it for lack of memory"
		case exit.Code == 127 && s.Recipe.Command != "": // as shells have it
			problem.Hint = "install the program named in the command, or correct the command"
		}
	}
	if problem.Hint == "" {
		problem.Hint = s.advice().other
	}
	problem.Output, problem.Shown = lastLines(tailLines), s.Log != nil
	if exit != nil {
		problem.Err = exit
	}
	return &problem
}

// advice is how hints name the next step, which differs between `up` and a deployment.
type advice struct{ again, entry, slow, memory, other string }

func (s Spec) advice() advice {
	if s.deployed {
		return advice{
			again:  "then run 'ploomber-cloud deploy' again",
			entry:  "move it next to the file that starts the app",
			slow:   "see 'ploomber-cloud logs' for what it did meanwhile; load large data when it is first needed, not at the start",
			memory: "load less data at once, or ask for more memory with 'ploomber-cloud resources' and deploy again",
			other:  "correct what the last lines name, and deploy again; 'ploomber-cloud logs --type web' has the rest",
		}
	}
	return advice{
		again:  "then run 'ploomber-cloud up' again",
		entry:  "start a file in its folder with --entry",
		slow:   "see what it printed; if it needs longer to start, increase --timeout",
		memory: "load less data at once, or close other programs",
	}
}

// diagnosis finds the cause of a failure in what Python prints last.
type diagnosis struct {
	is     *regexp.Regexp
	reason platform.Reason
	say    func(match []string, trace []string, s Spec) (message, hint string)
}

func diagnoses() []diagnosis {
	return []diagnosis{
		{regexp.MustCompile(`^ModuleNotFoundError: No module named '([^']+)'`), platform.ReasonImport, missing},
		{regexp.MustCompile(`^ImportError: (libGL\.so\.1|libgthread-2\.0\.so\.0):`), platform.ReasonImport, func(m, _ []string, _ Spec) (string, string) {
			return "the app needs " + m[1] + ", which is not installed on this machine",
				"replace opencv-python with opencv-python-headless in the project's requirements"
		}},
		{regexp.MustCompile(`^ImportError: .*`), platform.ReasonImport, whatItSays},
		{regexp.MustCompile(`^(?:SyntaxError|IndentationError|TabError): .*`), platform.ReasonCrash, func(m, trace []string, s Spec) (string, string) {
			return at(trace, s) + m[0], "correct the file"
		}},
		{regexp.MustCompile(`^KeyError: '([A-Za-z_][A-Za-z0-9_]*)'`), platform.ReasonCrash, variable},
		{regexp.MustCompile(`^(?:OSError|PermissionError): .*[Aa]ddress already in use.*`), platform.ReasonPort, func(_, _ []string, _ Spec) (string, string) {
			return "the app's port is in use by another program", "make the app listen on the port in the variable PORT, or stop the other program"
		}},
		{regexp.MustCompile(`^OSError: \[Errno 28\] No space left on device.*`), platform.ReasonDisk, func(_, trace []string, s Spec) (string, string) {
			return at(trace, s) + "the disk is full", "make room on this machine, or write less"
		}},
		{regexp.MustCompile(`^(?:[A-Za-z_]\w*\.)*_?(?:Array)?MemoryError(?:: .*)?$`), platform.ReasonMemory, func(m, trace []string, s Spec) (string, string) {
			return at(trace, s) + m[0], s.advice().memory
		}},
		{
			regexp.MustCompile(`^(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception|Interrupt|Exit|Failure|Timeout|Refused|Missing|Invalid|DoesNotExist|Fault)(?:: .*)?$`),
			platform.ReasonCrash, whatItSays,
		},
	}
}

func whatItSays(m, trace []string, s Spec) (message, hint string) { return at(trace, s) + m[0], "" }

// diagnose returns the reason, message and hint for what lines, the last ones of an app's output, end in; all are "" where
// they show no cause.
func diagnose(lines []string, s Spec) platform.Problem {
	begin := -1
	for i, line := range slices.Backward(lines) {
		if reason, ok := strings.CutPrefix(line, "NoApplication: "); ok { // of our launcher
			return platform.Problem{Reason: platform.ReasonCrash, Msg: reason}
		}
		if strings.HasPrefix(unlogged(line), "Traceback (most recent call last):") {
			begin = i
			break
		}
	}
	if begin < 0 { // a syntax error in the first file has no traceback
		if begin = slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, `  File "`) }); begin < 0 {
			return platform.Problem{}
		}
	}
	for i := begin; i < len(lines); i++ {
		line := unlogged(lines[i])
		if strings.HasPrefix(line, " ") || i == begin && strings.HasPrefix(line, "Traceback") {
			continue
		}
		for _, d := range diagnoses() {
			if m := d.is.FindStringSubmatch(line); m != nil {
				message, hint := d.say(m, lines[begin:i], s)
				return platform.Problem{Reason: d.reason, Msg: message, Hint: hint}
			}
		}
	}
	return platform.Problem{}
}

// unlogged takes off what programs that log a traceback put before each of its lines.
func unlogged(line string) string {
	for _, mark := range []string{"ERROR:    ", "ERROR: "} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return rest
		}
	}
	return line
}

func missing(m, _ []string, s Spec) (message, hint string) {
	module := m[1]
	top, _, _ := strings.Cut(module, ".")
	if where := ofProject(s.Dir, top); where != "" {
		return fmt.Sprintf("the app imports %s, which Python does not find, although the project contains %s", module, where),
			fmt.Sprintf("%s, or add its folder with PYTHONPATH=%s in .env", s.advice().entry, filepath.Dir(where))
	}
	name := pysource.Distribution(module)
	return fmt.Sprintf("the app needs the module %s, which is not installed", module),
		fmt.Sprintf("add the line %q to the project's requirements, %s", name, s.advice().again)
}

// ofProject returns the path of a module that is in a folder below the project; "" where there is none.
func ofProject(dir, module string) string {
	for _, pattern := range []string{"*/" + module + ".py", "*/" + module + "/__init__.py", "*/*/" + module + ".py"} {
		found, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil || len(found) == 0 {
			continue
		}
		if rel, err := filepath.Rel(dir, found[0]); err == nil && !strings.HasPrefix(rel, ".") {
			return strings.TrimSuffix(rel, string(os.PathSeparator)+"__init__.py")
		}
	}
	return ""
}

// variable explains a missing key where it is that of a variable of the environment.
func variable(m, trace []string, s Spec) (message, hint string) {
	if !slices.ContainsFunc(trace, func(l string) bool {
		return strings.Contains(l, "environ[") || strings.Contains(l, "<frozen os>") || strings.Contains(l, "secrets[")
	}) {
		return at(trace, s) + m[0], ""
	}
	return fmt.Sprintf("the app needs the variable %s, which is not set", m[1]),
		fmt.Sprintf("set it with 'ploomber-cloud secrets set %s'", m[1])
}

var frame = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*File "([^"]+)", line (\d+)`) })

// at names the last line of the project's own files in a traceback; "" where there is none.
func at(trace []string, s Spec) string {
	for _, line := range slices.Backward(trace) {
		m := frame().FindStringSubmatch(unlogged(line))
		if m == nil {
			continue
		}
		rel, err := filepath.Rel(s.Dir, m[1])
		if err == nil && filepath.IsLocal(rel) && !strings.Contains(rel, "site-packages") {
			return fmt.Sprintf("%s, line %s: ", rel, m[2])
		}
	}
	return ""
}
