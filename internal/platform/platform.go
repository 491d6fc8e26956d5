// Package platform defines the types shared by the packages that run apps: frameworks and how each is started,
// built environments, commands, events and problems. It does not know who builds, starts, serves or prints.
package platform

import (
	"io"
	"net/url"
	"time"
)

// Framework is how an app is run. The first nine are project types of ploomber-cloud.json; the others only run
// locally, and are deployed as docker.
type Framework string

// The frameworks that can be run.
const (
	Chainlit  Framework = "chainlit"
	Dash      Framework = "dash"
	Docker    Framework = "docker"
	Flask     Framework = "flask"
	Panel     Framework = "panel"
	ShinyR    Framework = "shiny-r"
	Solara    Framework = "solara"
	Streamlit Framework = "streamlit"
	Voila     Framework = "voila"

	FastAPI Framework = "fastapi" // any ASGI application
	Gradio  Framework = "gradio"
	Marimo  Framework = "marimo"
	Shiny   Framework = "shiny"   // for Python
	Shell   Framework = "command" // any command that listens on $PORT
)

// ProjectTypes lists the frameworks that are types of a project, sorted.
func ProjectTypes() []Framework {
	return []Framework{Chainlit, Dash, Docker, Flask, Panel, ShinyR, Solara, Streamlit, Voila}
}

// Command is a program to run.
type Command struct {
	Path   string    // absolute
	Args   []string  // without the program itself
	Dir    string    // working directory
	Env    []string  // the whole environment, NAME=value
	Output io.Writer // receives stdout and stderr, never concurrently; nil discards them

	Background bool // whether everything else comes first with the processor, the disk and memory

	Edit func(line string) string // edits each line of output before it is shown or stored; nil for none

	// Cleanup is a program and its arguments, run with the same Dir and Env after the command has ended in any
	// way, to remove what it left elsewhere, such as a container. Usually empty.
	Cleanup []string
}

// Environment is what an app needs besides its own files, already built.
type Environment struct {
	Bin     string            // folder of the framework's executables; "" if Program is set
	Program string            // absolute path of the program that starts the app, if it is not in Bin
	Image   string            // container image, for the docker type
	Vars    map[string]string // variables that activate the environment
}

// Phase is how far a project has got.
type Phase int

// Phases in the order in which they occur. Crashed is followed by Starting and Restarted, or by Stopping.
const (
	Building Phase = iota // Message names the step, once per step; Detail is its progress, updated often
	Built                 // Message says whether it was built now or before
	Starting
	Ready   // URL is the public address
	Crashed // Err is the reason; Delay is the pause before the next start, 0 if it waits for a saved file
	Restarted
	Stopping // Err is the reason, unless the user stopped it
	Stopped
	Noticed // at any time: Message is a warning about the app
)

func (p Phase) String() string {
	names := [...]string{"building", "built", "starting", "ready", "crashed", "restarted", "stopping", "stopped", "noticed"}
	if p < 0 || int(p) >= len(names) {
		return "unknown"
	}
	return names[p]
}

// Event reports that a project entered a phase, or made progress in one.
type Event struct {
	Phase   Phase
	Message string // one line for the user, lower case, no full stop
	Detail  string // progress of the step of the last Message, such as "34 packages, 110 MB"; then Message is ""
	Warning bool   // Message is a warning
	URL     *url.URL
	Delay   time.Duration
	Err     error
}

// Problem is a reason why a project cannot be run that its owner can understand and fix.
type Problem struct {
	Reason Reason   // "" if not classified
	Msg    string   // what is wrong, with the file or program
	Hint   string   // how to fix it; may be ""
	Output []string // the last lines that the failed program printed, oldest first
	Shown  bool     // Output was already written to the app's log
	Err    error    // cause; may be nil
}

func (p *Problem) Error() string {
	if p.Err == nil {
		return p.Msg
	}
	return p.Msg + ": " + p.Err.Error()
}

func (p *Problem) Unwrap() error { return p.Err }
