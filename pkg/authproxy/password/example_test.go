package password_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
)

func ExampleChecker_Check() {
	c, err := password.NewChecker(password.Options{
		Logins: []password.Login{{Scope: "main_app", Name: "ann", Password: "correct horse"}},
		Cost:   bcrypt.MinCost, Now: time.Now, Random: rand.Reader, Slots: password.NewHashSlots(0),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	from := netip.MustParseAddr("203.0.113.9")
	fmt.Println(c.Check(context.Background(), "main_app", "ann", "correct horse", from).Verdict == password.Right)
	fmt.Println(c.Check(context.Background(), "main_app", "ann", "battery staple", from).Verdict == password.Wrong)
	// Output:
	// true
	// true
}
