package platform

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

// ValidProjectID reports whether id can be the ID of a project, which is the first label of its host name (RFC 1123).
func ValidProjectID(id string) bool { return isName(id, "-", 63) }

// isName reports whether s consists of lower-case letters, digits and, except at its ends, the characters of inside.
func isName(s, inside string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, letters+digits+inside) == "" && strings.Trim(s, inside) == s
}

// NewProjectID returns a name that is easy to read and to type, such as quiet-harbor-4821.
func NewProjectID(random io.Reader) (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("generate the name of a project: %w", err)
	}
	n := binary.BigEndian.Uint64(b[:])
	first, second := strings.Fields(firstWords), strings.Fields(secondWords)
	one := first[n%uint64(len(first))]
	n /= uint64(len(first))
	two := second[n%uint64(len(second))]
	n /= uint64(len(second))
	return fmt.Sprintf("%s-%s-%04d", one, two, n%10_000), nil
}

const firstWords = `amber bold brave breezy bright brisk calm clear clever cool cosy crisp eager early fair fancy fast fresh gentle
glad golden grand green happy hidden jolly keen kind late light little lively lucky mellow merry misty neat nimble noble open
patient plain polite proud quick quiet rapid rosy royal rustic sharp shiny silent silver smooth snowy soft solid sunny swift
tidy warm wide wise young`

const secondWords = `acorn badger beacon birch bloom breeze bridge brook canyon cedar cliff cloud comet coral cove creek delta
dune eagle ember falcon fern field fjord forest garden glade grove harbor hazel heron hill island lagoon lake lantern leaf maple
marsh meadow moon moss oak ocean orchard otter pebble pine prairie rain reef ridge river robin shore sky spring star stone stream
summit tide trail valley wave willow wind`

// NewDeploymentID returns a random ID of 26 lower-case letters and digits.
func NewDeploymentID(random io.Reader) (string, error) { return newID(random, "a deployment") }

// NewUserID returns a random ID of 26 lower-case letters and digits.
func NewUserID(random io.Reader) (string, error) { return newID(random, "a user") }

func newID(random io.Reader, what string) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("generate the ID of %s: %w", what, err)
	}
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:])), nil
}

// ValidDeploymentID reports whether id has the form of NewDeploymentID; only such an ID may become a part of a path.
func ValidDeploymentID(id string) bool {
	return len(id) == 26 && strings.Trim(id, letters+"234567") == ""
}
