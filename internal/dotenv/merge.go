package dotenv

import "fmt"

// ConflictError says that both sides of a merge changed the same key.
type ConflictError struct{ Key string }

func (e *ConflictError) Error() string {
	if !IsName(e.Key) { // it may be a misplaced secret
		return "a key of it has another value now"
	}
	return fmt.Sprintf("%s has another value now", e.Key)
}

// Merge returns theirs with the changes that Set and Unset made to base to get ours; every other byte is as in theirs. The
// error is a *ConflictError if theirs has another change to one of these keys, or an error of Set.
func Merge(base, ours, theirs *File) (*File, error) {
	merged := parse(theirs.text)
	for _, key := range append(ours.Keys(), base.Keys()...) {
		was, want, is := base.state(key), ours.state(key), merged.state(key)
		switch {
		case want == was || want == is:
			continue
		case is != was:
			return nil, &ConflictError{key}
		}
		if !want.there {
			merged.Unset(key)
			continue
		}
		value, _ := literal(want.value) // Set stores values without references
		if err := merged.Set(key, value); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// state is what a file says about a key, before references are expanded.
type state struct {
	there, null bool
	value       string
}

func (f *File) state(key string) state {
	i := f.last(key)
	if i < 0 {
		return state{}
	}
	return state{true, f.statements[i].null, f.statements[i].value}
}
