package platform

import "time"

// Deployment is one version of a project. Its Release never changes; its Status is how far it has got.
type Deployment struct {
	ID      string // the job of the reference API
	Project string // ID
	Number  int    // 1, 2, ... within its project
	Created time.Time
	Release
	Status
}

// Release is what was deployed. Its secrets are stored apart from it.
type Release struct {
	Type      Framework
	By        string // name of the user
	Message   string // written by the user; may be ""
	Archive   string // digest of the archive
	Size      int64  // bytes of the archive
	Resources Resources
	Template  string   // such as node-auth0; may be ""
	Variables []string // names of the variables in Secrets, in their order
	Login     bool     // whether Secrets.Login is set
	Analytics bool     // whether Secrets.Analytics is set
	Repeats   int      // number of the deployment that a rollback repeats; 0 for none
}

// Status is how far a deployment has got.
type Status struct {
	State   State
	Changed time.Time // when it entered State
	Problem Cause     // why it failed or was stopped; zero otherwise
	Lock    string    // digest of the resolved requirements; "" before they are installed
}

// Cause is a Problem in the form in which it is stored and sent.
type Cause struct {
	Reason  Reason
	Message string   // what is wrong, for the owner
	Hint    string   // the next step
	Output  []string // the last lines of the program that failed, oldest first
}

// State is what a deployment is doing.
type State string

// The states. A deployment that serves users is running. If nobody uses it, it is frozen, then asleep, and wakes for the
// next user. One that has been replaced drains: it keeps the sessions that it has until they end.
const (
	StateQueued   State = "queued"
	StateBuilding State = "building"
	StateStarting State = "starting"
	StateRunning  State = "running"
	StateFrozen   State = "frozen" // its processes get no CPU time
	StateAsleep   State = "asleep" // it has no process
	StateDraining State = "draining"
	StateReplaced State = "replaced"
	StateFailed   State = "failed"
	StateStopped  State = "stopped"
)

// next is the table of the state machine: the states that may follow each state. Failed and stopped may follow any state
// in which something is going on.
func next() map[State][]State {
	return map[State][]State{
		StateQueued:   {StateBuilding, StateReplaced},
		StateBuilding: {StateStarting, StateQueued, StateReplaced}, // queued again if the platform was killed meanwhile
		StateStarting: {StateRunning, StateAsleep, StateQueued, StateReplaced},
		StateRunning:  {StateFrozen, StateAsleep, StateStarting, StateDraining, StateReplaced}, // starting after a crash
		StateFrozen:   {StateRunning, StateAsleep, StateStarting, StateDraining, StateReplaced},
		StateAsleep:   {StateStarting, StateReplaced, StateQueued}, // queued if its environment has to be built again
		StateDraining: {StateReplaced},
		StateReplaced: {},
		StateFailed:   {StateStarting, StateQueued, StateReplaced}, // when its owner starts it again
		StateStopped:  {StateStarting, StateQueued, StateReplaced},
	}
}

// States lists all states.
func States() []State {
	return []State{
		StateQueued, StateBuilding, StateStarting, StateRunning, StateFrozen, StateAsleep, StateDraining, StateReplaced, StateFailed,
		StateStopped,
	}
}

// CanBecome reports whether a deployment in state s may enter state to.
func (s State) CanBecome(to State) bool {
	if to == StateFailed || to == StateStopped {
		return s != StateReplaced && s != to
	}
	for _, n := range next()[s] {
		if n == to {
			return true
		}
	}
	return false
}

// Settled reports whether a deployment in state s only changes if its owner or a user does something.
func (s State) Settled() bool {
	switch s {
	case StateQueued, StateBuilding, StateStarting, StateDraining:
		return false
	default:
		return true
	}
}

// HasProcess reports whether an app in state s has processes.
func (s State) HasProcess() bool {
	switch s {
	case StateStarting, StateRunning, StateFrozen, StateDraining:
		return true
	default:
		return false
	}
}

// Serves reports whether users of a deployment in state s get the app, at once or after it has woken.
func (s State) Serves() bool { return s == StateRunning || s == StateFrozen || s == StateAsleep }

// Submission asks for a new deployment.
type Submission struct {
	Project string // ID
	Release
	Secrets Secrets
	Labels  []string // of the project; nil leaves them
	Lock    string   // digest of the requirements that a rollback repeats; "" to resolve them
	Request string   // unique for each attempt to deploy, so that a repeated request makes no second deployment; may be ""
}
