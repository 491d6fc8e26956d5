package platform

import "errors"

// Reason classifies why an app is not running. The list is closed: every Reason has a text.
type Reason string

// The reasons.
const (
	ReasonArchive      Reason = "invalid-archive"
	ReasonUnsupported  Reason = "unsupported-type" // the machine lacks what the type needs, such as docker or R
	ReasonEntryMissing Reason = "entry-missing"
	ReasonPython       Reason = "python-missing"
	ReasonDependency   Reason = "dependency-not-found"
	ReasonBuild        Reason = "build-failed"
	ReasonNetwork      Reason = "registry-unreachable"
	ReasonDisk         Reason = "disk-full"
	ReasonImport       Reason = "import-error"
	ReasonPort         Reason = "wrong-port"
	ReasonMemory       Reason = "out-of-memory"
	ReasonSlow         Reason = "too-slow"
	ReasonCrash        Reason = "crashed"
	ReasonLogin        Reason = "login-misconfigured"
	ReasonStopped      Reason = "stopped-by-owner"
	ReasonSuperseded   Reason = "superseded" // by a newer deployment, before it had started
	ReasonInternal     Reason = "internal-error"
)

// Reasons lists all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonArchive, ReasonUnsupported, ReasonEntryMissing, ReasonPython, ReasonDependency, ReasonBuild, ReasonNetwork, ReasonDisk,
		ReasonImport, ReasonPort, ReasonMemory, ReasonSlow, ReasonCrash, ReasonLogin, ReasonStopped, ReasonSuperseded, ReasonInternal,
	}
}

// String describes r in a few words that reveal nothing of the app, so that its users may see them.
func (r Reason) String() string {
	switch r {
	case ReasonArchive:
		return "its files could not be unpacked"
	case ReasonUnsupported:
		return "apps of this type cannot run on this machine"
	case ReasonEntryMissing:
		return "the file that starts it is missing"
	case ReasonPython:
		return "no suitable Python was found"
	case ReasonDependency:
		return "a package that it needs was not found"
	case ReasonBuild:
		return "its packages could not be installed"
	case ReasonNetwork:
		return "the package registry could not be reached"
	case ReasonDisk:
		return "the disk is full"
	case ReasonImport:
		return "a module that it imports is missing"
	case ReasonPort:
		return "it listens on another port"
	case ReasonMemory:
		return "it ran out of memory"
	case ReasonSlow:
		return "it took too long to start"
	case ReasonCrash:
		return "it crashed"
	case ReasonLogin:
		return "its login is not configured correctly"
	case ReasonStopped:
		return "its owner stopped it"
	case ReasonSuperseded:
		return "a newer version took its place before it had started"
	case ReasonInternal:
		return "of an error of the platform"
	default:
		return "of an unknown reason"
	}
}

// AtBuild reports whether r keeps an app from being built, rather than from running.
func (r Reason) AtBuild() bool {
	switch r {
	case ReasonArchive, ReasonUnsupported, ReasonEntryMissing, ReasonPython, ReasonDependency, ReasonBuild, ReasonNetwork:
		return true
	default:
		return false
	}
}

// CauseOf returns the cause of err. An error that is no *Problem is one of the platform itself; its text is kept from
// owners, because it may name files of the machine.
func CauseOf(err error) Cause {
	var p *Problem
	if !errors.As(err, &p) {
		return Cause{Reason: ReasonInternal, Message: "the platform could not run the app", Hint: "ask the operator of the platform: its log has the error"}
	}
	reason := p.Reason
	if reason == "" {
		reason = ReasonCrash
	}
	return Cause{Reason: reason, Message: p.Msg, Hint: p.Hint, Output: p.Output}
}
