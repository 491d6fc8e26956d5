package platform

import "time"

// Project is an app with an address of its own. What it serves is its current deployment.
type Project struct {
	ID      string // first label of its host name: lower-case letters, digits and hyphens
	Owner   string // ID of a User
	Type    Framework
	Created time.Time
	Labels  []string
	Sleep   Sleep
	Current string // ID of the deployment that users get; "" before the first one has started
	Stopped bool   // by its owner: nothing of it runs until it is started or deployed again
}

// Sleep says how long a project may be unused before its app is frozen or stopped. The zero value is the
// platform's default.
type Sleep struct {
	Never bool
	After time.Duration // 0 means the platform's default
}

// Resources are what an app may use.
type Resources struct {
	CPU float64 // cores
	RAM int     // GB of 10^9 bytes
	GPU int
}

// DefaultResources are those of a project that asks for none, as on the reference service.
func DefaultResources() Resources { return Resources{CPU: 0.5, RAM: 1} }

// Variable is an environment variable of an app. Its value is a secret.
type Variable struct{ Name, Value string }

// Credentials are the user name and password of a protected scope.
type Credentials struct{ Username, Password string }

// Secrets is the part of a deployment that is stored encrypted.
type Secrets struct {
	Variables []Variable
	Login     *Credentials // for the app; nil for none
	Analytics *Credentials // for its analytics page; nil for none
}

// Vars returns the variables as a map.
func (s Secrets) Vars() map[string]string {
	vars := make(map[string]string, len(s.Variables))
	for _, v := range s.Variables {
		vars[v.Name] = v.Value
	}
	return vars
}
