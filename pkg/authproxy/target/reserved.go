package target

import "strings"

// The proxy's own paths. Everything else is the app's: /login above all, which several frameworks have.
const (
	Callback = "/callback"
	Logout   = "/logout"
	Exit     = "/exit" // like Logout, for frameworks whose own router takes /logout
	Status   = "/status"

	Prefix            = "/_auth" // reserved with everything below it
	Login             = Prefix + "/login"
	Style             = Prefix + "/style.css"
	Icon              = Prefix + "/icon.svg"
	BackchannelLogout = Prefix + "/backchannel-logout"
)

// BelowReserved reports whether a decoded path is the reserved prefix or below it.
func BelowReserved(path string) bool {
	rest, ok := strings.CutPrefix(path, Prefix)
	return ok && (rest == "" || rest[0] == '/')
}
