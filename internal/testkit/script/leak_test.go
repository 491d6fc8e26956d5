package script

import "testing"

func TestWrongOutput(t *testing.T) {
	t.Parallel()
	secrets := []string{"hunter22"}
	for name, tc := range map[string]struct {
		log   string
		wrong int
	}{
		"clean":             {"> exec x\n[stdout]\nfine\n[stderr]\n***\n", 0},
		"canary":            {"> exec x\n[stdout]\nkey is CANARY_key\n", 1},
		"on stderr":         {"> exec x\n[stderr]\nkey is CANARY_key\n", 1},
		"base64":            {"> exec x\n[stderr]\nBasic YW5hOkNBTkFSWV9w\n", 1}, // ana:CANARY_p
		"value of .env":     {"> exec x\n[stderr]\nhunter22\n", 1},
		"in the command":    {"> exec x CANARY_key\n[stderr]\nfine\n", 0},
		"in a comparison":   {"> exec x\n[stdout]\nfine\n> cmp .env want.env\n+A=CANARY_key\n", 0},
		"background":        {"> wait\n[background] x: exit status 1\n[stdout]\nCANARY_key\n", 1},
		"revealed":          {"> exec secrets list --reveal\n[stdout]\nA=CANARY_key\n", 0},
		"crash":             {"> exec x\n[stderr]\npanic: oh\n\ngoroutine 1 [running]:\n", 2},
		"mistake in format": {"> exec x\n[stderr]\n%!s(int=1)\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := wrongOutput(tc.log, secrets); len(got) != tc.wrong {
				t.Errorf("found %q, want %d", got, tc.wrong)
			}
		})
	}
}
