// Package platform names what the rooms that run apps talk about: frameworks and how each is started, built
// environments, commands, events and problems. It must not know who builds, starts, serves or prints.
package platform

import (
	"io"
	"net/url"
	"time"
)

// Framework says how an app is run. The first nine are types of a project as ploomber-cloud.json names them; the
// others run here only, and are deployed as docker.
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

// Command is a program to run.
type Command struct {
	Path   string    // absolute
	Args   []string  // without the program itself
	Dir    string    // working directory
	Env    []string  // the whole environment, NAME=value
	Output io.Writer // gets both output streams as they come, never from two goroutines at once; nil drops them

	Edit func(line string) string // changes each line of the output before it is shown or kept; nil for none

	// Cleanup is run, as program and arguments with the same Dir and Env, once the command has ended however
	// it ended: what it left elsewhere, such as a container, goes with it. Empty for most.
	Cleanup []string
}

// Environment is what an app needs besides its own files, built and ready.
type Environment struct {
	Bin     string            // folder of the framework's executables; "" where Program is given
	Program string            // absolute path of the program that starts the app, where Bin does not hold it
	Image   string            // container image, for the docker type
	Vars    map[string]string // variables the app must see for the environment to be in force
}

// Phase says how far a project has come.
type Phase int

// Phases in the order in which they happen. Crashed is followed by Starting and Restarted, or by Stopping.
const (
	Building Phase = iota // Message names the step, once for each step; Detail tells how far it is, often
	Built                 // Message says whether it was built now or before
	Starting
	Ready   // URL is where users go
	Crashed // Err says how it ended; Delay is the pause before the next start, 0 where a file has to be saved first
	Restarted
	Stopping // Err is the reason where it was not the user
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

// Event tells that a project entered a phase or took a step in one.
type Event struct {
	Phase   Phase
	Message string // one line for the user, lower case, no full stop
	Detail  string // how far the step of the last Message is, such as "34 packages, 110 MB"; then Message is ""
	Warning bool   // Message asks for attention
	URL     *url.URL
	Delay   time.Duration
	Err     error
}

// Problem is a reason why a project cannot be run that its owner can understand and act on.
type Problem struct {
	Msg    string   // what is wrong, naming the file or program
	Hint   string   // what to write or run; may be ""
	Output []string // the last lines that the failed program printed, oldest first
	Shown  bool     // the log of the app had Output too
	Err    error    // cause; may be nil
}

func (p *Problem) Error() string {
	if p.Err == nil {
		return p.Msg
	}
	return p.Msg + ": " + p.Err.Error()
}

func (p *Problem) Unwrap() error { return p.Err }
