package prompt_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ploomber/ploomber-cloud/internal/prompt"
)

func TestReadSecret(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in, want, fails string
	}{
		"a line":            {in: "p\n", want: "p"},
		"without its end":   {in: "p", want: "p"},
		"a Windows line":    {in: "p\r\n", want: "p"},
		"spaces":            {in: "  p w \n", want: "  p w "},
		"the first of two":  {in: "p\nq\n", want: "p"},
		"nothing":           {fails: "no password came"},
		"an empty line":     {in: "\np\n", fails: "no password came"},
		"more than a line":  {in: strings.Repeat("p", 70<<10), fails: "too long"},
		"as much as we can": {in: strings.Repeat("p", 64<<10), want: strings.Repeat("p", 64<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := prompt.ReadSecret(strings.NewReader(tc.in), "password")
			if got != tc.want || (err != nil) != (tc.fails != "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("%d bytes, %v; want %d, %q", len(got), err, len(tc.want), tc.fails)
			}
		})
	}
	if _, err := prompt.ReadSecret(iotest.ErrReader(errors.New("broken")), "password"); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("%v", err)
	}
}
