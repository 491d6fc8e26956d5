package leaktest

import (
	"errors"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

// ended are tests that have, with this status.
type ended int

func (code ended) Run() int { return int(code) }

func TestSettling(t *testing.T) {
	t.Parallel()
	for code, looks := range map[ended]int{0: 4, 3: 0} {
		looked := 0
		s := settling{code, func() error {
			if looked++; looked < 4 {
				return errors.New("one is on its way out")
			}
			return nil
		}}
		if got := s.Run(); got != int(code) || looked != looks {
			t.Errorf("status %d after %d looks, want %d after %d", got, looked, code, looks)
		}
	}
}
