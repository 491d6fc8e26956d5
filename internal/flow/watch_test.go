package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// moment is what the platform says at one look.
type moment struct {
	status, build, app string
	condition          cloudapi.Condition
	jobErr, logErr     error
	takes              time.Duration // until both answers are there
}

// film is a platform whose job goes through moments, the last one for ever, on a clock of its own.
type film struct {
	moments []moment
	at      int
	clock   time.Time
	since   []string // of the requests for logs; "" is all
	slept   []time.Duration

	troubles []string
	sleep    func(n int) error // may be nil
}

func (f *film) now() moment { return f.moments[min(f.at, len(f.moments)-1)] }

func (f *film) Project(context.Context, string) (*cloudapi.Project, error) {
	return &cloudapi.Project{Jobs: []cloudapi.ProjectJob{{ID: "j"}}}, nil
}

func (f *film) Job(context.Context, string) (*cloudapi.Job, error) {
	m := f.now()
	f.clock = f.clock.Add(m.takes)
	j := &cloudapi.Job{Status: m.status, Condition: m.condition}
	j.Resources.Webservice = "https://app.example.test"
	if m.jobErr != nil {
		f.at++ // its logs are not asked for
	}
	return j, m.jobErr
}

func (f *film) Logs(_ context.Context, _ string, since time.Time) (cloudapi.Logs, error) {
	m := f.now()
	f.at++
	fingerprint := ""
	if !since.IsZero() {
		fingerprint = since.Format("15:04:05.000")
	}
	f.since = append(f.since, fingerprint)
	return cloudapi.Logs{Build: m.build, App: m.app}, m.logErr
}

func (f *film) watch(incremental bool, timeout time.Duration) (looks []flow.Look, out flow.Outcome, err error) {
	w := flow.Watcher{
		API: f, Interval: 15 * time.Second, Timeout: timeout, Incremental: incremental,
		Seen:    func(l flow.Look) { looks = append(looks, l) },
		Trouble: func(err error) { f.troubles = append(f.troubles, err.Error()) },
		Now:     func() time.Time { return f.clock },
		Sleep: func(_ context.Context, d time.Duration) error {
			f.slept = append(f.slept, d)
			f.clock = f.clock.Add(d)
			if f.sleep != nil {
				return f.sleep(len(f.slept))
			}
			return nil
		},
	}
	out, err = w.Watch(context.Background(), flow.Job{ProjectID: "p", ID: "j"})
	return looks, out, err
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	refused := errors.New("500")
	for name, tc := range map[string]struct {
		moments []moment
		looks   int
		code    int
		says    string
	}{
		"runs at once": {moments: []moment{{status: "running"}}, looks: 1},
		"runs after all others": {
			moments: []moment{
				{status: "pending"}, {status: "docker-build-complete"}, {status: "webservice-pending"}, {status: "stopped"},
				{status: "finished"}, {status: "success"}, {status: "never heard of"}, {status: "running"},
			},
			looks: 8,
		},
		"fails":              {moments: []moment{{status: "pending"}, {status: "failed"}}, looks: 2, code: failure.Deployment, says: "--job-id j"},
		"fails to build":     {moments: []moment{{status: "docker-failed"}}, looks: 1, code: failure.Deployment, says: "docker-failed"},
		"takes too long":     {moments: []moment{{status: "pending", takes: 15 * time.Minute}}, looks: 4, code: failure.TimedOut, says: "--project-id p"},
		"the job is refused": {moments: []moment{{status: "pending"}, {jobErr: refused}}, looks: 1, code: failure.Failed, says: "the deployment continues, but cannot be followed: 500"},
		"its logs are":       {moments: []moment{{status: "running", logErr: refused}}, code: failure.Failed, says: "watch --project-id p --job-id j"},
		"has no status":      {moments: []moment{{status: "pending"}, {}}, looks: 1, code: failure.Failed, says: "status"},
		"interrupted": {
			moments: []moment{{jobErr: fmt.Errorf("get: %w", context.Canceled)}}, code: failure.Interrupted, says: "the deployment continues",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &film{moments: tc.moments}
			looks, out, err := f.watch(false, time.Hour)
			if len(looks) != tc.looks || failure.Code(err) != tc.code {
				t.Errorf("%d looks, exit status %d (%v); want %d, %d", len(looks), failure.Code(err), err, tc.looks, tc.code)
			}
			if (out.URL == "https://app.example.test") != (err == nil) || out.Status == "running" != (err == nil) {
				t.Errorf("%+v, error %v", out, err)
			}
			if err != nil && !strings.Contains(err.Error()+failure.Hint(err), tc.says) {
				t.Errorf("says %q, want %q", err.Error()+failure.Hint(err), tc.says)
			}
		})
	}
}

// An interrupt nearly always comes while the watch waits.
func TestWatchInterruptedWhileWaiting(t *testing.T) {
	t.Parallel()
	f := &film{moments: []moment{{status: "pending"}}, sleep: func(n int) error {
		if n == 2 {
			return context.Canceled
		}
		return nil
	}}
	_, _, err := f.watch(false, time.Minute)
	if failure.Code(err) != failure.Interrupted || !strings.Contains(err.Error(), "the deployment continues") {
		t.Errorf("exit status %d: %v", failure.Code(err), err)
	}
}

func TestWatchWaits(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, tc := range map[string]struct {
		takes   []time.Duration // of each look
		timeout time.Duration
		want    []time.Duration
	}{
		"for the interval":           {takes: []time.Duration{0, 0, 0}, timeout: time.Hour, want: []time.Duration{15 * s, 15 * s}},
		"less after a slow answer":   {takes: []time.Duration{4 * s, 1 * s, 0}, timeout: time.Hour, want: []time.Duration{11 * s, 14 * s}},
		"for the multiple after one": {takes: []time.Duration{40 * s, 0}, timeout: time.Hour, want: []time.Duration{5 * s}},
		"a whole one when on time":   {takes: []time.Duration{15 * s, 0}, timeout: time.Hour, want: []time.Duration{15 * s}},
		"no longer than allowed":     {takes: []time.Duration{0, 0, 0}, timeout: 20 * s, want: []time.Duration{15 * s, 5 * s}},
		"not at all when late":       {takes: []time.Duration{30 * s, 0}, timeout: 30 * s, want: nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &film{}
			for i, d := range tc.takes {
				status := "pending"
				if i == len(tc.takes)-1 {
					status = "running"
				}
				f.moments = append(f.moments, moment{status: status, takes: d})
			}
			_, _, _ = f.watch(false, tc.timeout) // the waits matter here, not the end
			if !slices.Equal(f.slept, tc.want) {
				t.Errorf("waits %v, want %v", f.slept, tc.want)
			}
		})
	}
}

func TestWatchShowsNewLines(t *testing.T) {
	t.Parallel()
	f := &film{moments: []moment{
		{status: "pending", build: "a\n", app: "hidden"},
		{status: "pending", build: "a\n"},
		{status: "docker-build-complete", build: "a\nb\n"},
		{status: "webservice-pending", build: "a\nb\nc", app: "x"},
		{status: "webservice-pending", app: "x\ny"},
		{status: "webservice-pending", app: "another log"},
		{status: "running", app: "another log"},
	}}
	looks, _, err := f.watch(false, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range looks {
		got = append(got, l.Source+":"+l.Log)
	}
	want := []string{
		"build-docker:a\n", "build-docker:", "build-docker:b\n", "app:x", "app:y", "app:another log", "app:",
	}
	if !slices.Equal(got, want) {
		t.Errorf("shows %q, want %q", got, want)
	}
	if since := strings.Join(f.since, ""); since != "" {
		t.Errorf("asks for lines since %s", since)
	}
}

// A platform of one's own says why a deployment fails. It is asked every second, where the former service wanted 15.
func TestWatchOfOwnPlatform(t *testing.T) {
	t.Parallel()
	why := cloudapi.Condition{
		State: "failed", Reason: "import-error", Problem: "the module pandas is missing",
		Detail: []string{"Traceback", "No module named pandas"}, NextStep: "add pandas to requirements.txt",
	}
	f := &film{moments: []moment{
		{status: "pending", condition: cloudapi.Condition{State: "building"}},
		{status: "failed", app: "2026-11-30T10:00:00Z Traceback\n", condition: why},
	}}
	w := flow.Watcher{
		API: f, Interval: 15 * time.Second, Timeout: time.Hour, Seen: func(flow.Look) {},
		Now: func() time.Time { return f.clock },
		Sleep: func(_ context.Context, d time.Duration) error {
			f.slept = append(f.slept, d)
			return nil
		},
	}
	out, err := w.Watch(t.Context(), flow.Job{ProjectID: "p", ID: "j"})
	if failure.Code(err) != failure.Deployment || err.Error() != "Deployment failed (status failed): the module pandas is missing" ||
		failure.Hint(err) != "add pandas to requirements.txt" {
		t.Errorf("%v, hint %q", err, failure.Hint(err))
	}
	if out.Reason != "import-error" || !slices.Equal(out.Unseen, []string{"No module named pandas"}) {
		t.Errorf("%+v", out)
	}
	if !slices.Equal(f.slept, []time.Duration{time.Second}) {
		t.Errorf("waits %v", f.slept)
	}
}

func TestWatchIncremental(t *testing.T) {
	t.Parallel()
	const day = "2024-05-01T"
	for name, tc := range map[string]struct {
		moments []moment
		since   []string // of the second look and those after it
	}{
		"nothing said yet":       {moments: []moment{{build: ""}, {}}, since: []string{""}},
		"one line":               {moments: []moment{{build: day + "10:00:00.000 a\n"}, {}}, since: []string{"10:00:00.000"}},
		"the last line":          {moments: []moment{{build: day + "10:00:00.000 a\n" + day + "10:00:01.5 b\n"}, {}}, since: []string{"10:00:01.500"}},
		"the first when newer":   {moments: []moment{{build: day + "10:00:09 a\n" + day + "10:00:01 b"}, {}}, since: []string{"10:00:09.000"}},
		"finer than the clock":   {moments: []moment{{build: day + "10:00:00.123999 a"}, {}}, since: []string{"10:00:00.123"}},
		"a zone":                 {moments: []moment{{build: day + "10:00:00Z a"}, {}}, since: []string{"10:00:00.000"}},
		"an offset":              {moments: []moment{{build: day + "10:00:00.5+02:00 a"}, {}}, since: []string{"10:00:00.500"}},
		"no seconds":             {moments: []moment{{build: day + "10:01 a"}, {}}, since: []string{"10:01:00.000"}},
		"a date alone":           {moments: []moment{{build: "2024-05-01 10:01:00 a"}, {}}, since: []string{"00:00:00.000"}},
		"no time at all":         {moments: []moment{{build: "Step 1/3\nStep 2/3\n"}, {}}, since: []string{""}},
		"no time at the end":     {moments: []moment{{build: day + "10:00:00 a\nTraceback\n"}, {}}, since: []string{"10:00:00.000"}},
		"Windows lines":          {moments: []moment{{build: day + "10:00:00 a\r\n" + day + "10:00:02 b\r\n"}, {}}, since: []string{"10:00:02.000"}},
		"a time alone":           {moments: []moment{{build: day + "10:00:00\r\n"}, {}}, since: []string{"10:00:00.000"}},
		"kept when quiet":        {moments: []moment{{build: day + "10:00:05 a"}, {build: ""}, {}}, since: []string{"10:00:05.000", "10:00:05.000"}},
		"never back":             {moments: []moment{{build: day + "10:00:05 a"}, {build: day + "10:00:01 b"}, {}}, since: []string{"10:00:05.000", "10:00:05.000"}},
		"of the log that shows":  {moments: []moment{{build: day + "10:00:05 a", app: day + "11:00:00 b"}, {}}, since: []string{"10:00:05.000"}},
		"a date that is invalid": {moments: []moment{{build: "2024-13-41T99:00:00 a"}, {}}, since: []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range tc.moments {
				tc.moments[i].status = "pending"
			}
			tc.moments[len(tc.moments)-1].status = "running"
			f := &film{moments: tc.moments}
			looks, _, err := f.watch(true, time.Hour)
			if err != nil || f.since[0] != "" || !slices.Equal(f.since[1:], tc.since) {
				t.Errorf("asks since %q (%v), want %q", f.since[1:], err, tc.since)
			}
			if looks[0].Log != tc.moments[0].build {
				t.Errorf("shows %q", looks[0].Log)
			}
		})
	}
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	const a, b, c = "2024-05-01T10:00:00 a", "2024-05-01T10:00:01 b", "2024-05-01T10:00:02 c"
	for name, tc := range map[string]struct{ before, now, want string }{
		"the first look":         {"", "a\nb", "a\nb"},
		"nothing new":            {"a\nb", "a\nb", ""},
		"new lines":              {"a", "a\nb\nc", "b\nc"},
		"a line break":           {"a\n", "a\nb\n", "b\n"},
		"another log":            {"a\nb", "x", "x"},
		"a cleared one":          {"a", "", ""},
		"one that was cut short": {"a\nb\n", "a\n", ""},
		"the newest lines":       {"a\nb\nc\n", "b\nc\nd\n", "d\n"},
		"the newest and no more": {"a\nb\nc\n", "b\nc\n", ""},
		"one line with its time": {a + "\n" + b, b + "\n" + c, c},
		"one line by chance":     {"x\ntick", "tick\ny", "tick\ny"},
		"lines that repeat":      {"a\na\nb\na\na\nb", "a\na\nb\nc", "c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var shown flow.Transcript
			shown.Add(tc.before)
			if got := shown.Add(tc.now); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// However a log grows, and whatever part of it comes, each of its lines is shown once and in order.
func TestTranscriptShowsEachLineOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOfN(rapid.StringMatching(`[ab]{1,3}`), 1, 20).Draw(t, "lines")
		for i := range lines { // some with a time, as the platform's are
			if timed := rapid.Bool().Draw(t, "timed"); timed || i > 0 {
				lines[i] = fmt.Sprintf("2024-05-01T10:00:00.%03d %s", i, lines[i])
			}
		}
		var transcript flow.Transcript
		var shown []string
		show := func(log string) {
			if fresh := transcript.Add(log); fresh != "" {
				shown = append(shown, strings.Split(fresh, "\n")...)
			}
		}
		for n := 0; n < len(lines); {
			before := n
			n = min(n+rapid.IntRange(0, 3).Draw(t, "more"), len(lines))
			switch rapid.IntRange(0, 3).Draw(t, "what comes") {
			case 0:
				show("")
			case 1: // less than before
				show(strings.Join(lines[:rapid.IntRange(0, before).Draw(t, "cut")], "\n"))
			case 2: // the newest lines, from one that was there before on
				if before > 0 {
					show(strings.Join(lines[rapid.IntRange(0, before-1).Draw(t, "from"):n], "\n"))
				}
			}
			show(strings.Join(lines[:n], "\n"))
		}
		if !slices.Equal(shown, lines) {
			t.Fatalf("shows %q of %q", shown, lines)
		}
	})
}

// An outage ends nothing; it is told once, and no line is shown twice after it.
func TestWatchThroughOutage(t *testing.T) {
	t.Parallel()
	away := refusedConnection(t)
	for _, incremental := range []bool{false, true} {
		f := &film{moments: []moment{
			{status: "pending", build: "a\nb\n"},
			{jobErr: away}, {jobErr: away},
			{status: "pending", build: "a\nb\nc\n"},
			{status: "pending", logErr: away},
			{status: "pending", build: ""},
			{status: "pending", build: "a\nb\nc\n"},
			{status: "running", app: "up"},
		}}
		looks, out, err := f.watch(incremental, time.Hour)
		log := ""
		for _, l := range looks {
			log += l.Log
		}
		if err != nil || out.Status != "running" || log != "a\nb\nc\nup" || len(f.troubles) != 2 {
			t.Errorf("incremental %v: %+v, %v; shows %q, tells %q", incremental, out, err, log, f.troubles)
		}
	}
	f := &film{moments: []moment{{status: "pending"}, {jobErr: away}}}
	_, out, err := f.watch(false, time.Minute)
	says := fmt.Sprint(err, failure.Hint(err))
	if failure.Code(err) != failure.TimedOut || out.Status != "pending" || !strings.Contains(says, "cannot be reached") ||
		!strings.Contains(says, "the deployment continues") || !strings.Contains(says, "watch --project-id p --job-id j") {
		t.Errorf("%+v, exit status %d: %s", out, failure.Code(err), says)
	}
}

// A host that is known to be gone is not waited for.
func TestWatchOfHostThatIsGone(t *testing.T) {
	t.Parallel()
	f := &film{moments: []moment{{jobErr: refusedConnection(t)}}}
	w := flow.Watcher{API: f, Interval: time.Second, Timeout: time.Hour, Gone: true, Now: func() time.Time { return f.clock }}
	_, err := w.Watch(t.Context(), flow.Job{ProjectID: "p", ID: "j"})
	if failure.Code(err) != failure.Failed || !errors.Is(err, cloudapi.ErrNetwork) || strings.Contains(err.Error(), "the deployment continues") {
		t.Errorf("exit status %d: %v", failure.Code(err), err)
	}
}

// refusedConnection is what the client says of a platform that is not there.
func refusedConnection(t *testing.T) error {
	t.Helper()
	c := cloudapi.New(cloudapi.Options{BaseURL: "http://127.0.0.1:1", Key: "k", Retries: -1})
	t.Cleanup(c.Close)
	_, err := c.Job(t.Context(), "j")
	if err == nil {
		t.Fatal("port 1 answers")
	}
	return err
}

// The context of a command that has a time limit ends the watch as the limit itself does.
func TestWatchWithDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	f := &film{moments: []moment{{status: "pending"}}}
	w := flow.Watcher{
		API: f, Interval: time.Second, Timeout: time.Hour, Now: func() time.Time { return f.clock }, Seen: func(flow.Look) {},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	_, err := w.Watch(ctx, flow.Job{ProjectID: "p", ID: "j"})
	if failure.Code(err) != failure.TimedOut || !strings.Contains(err.Error(), `still "pending"`) {
		t.Errorf("exit status %d: %v", failure.Code(err), err)
	}
}
