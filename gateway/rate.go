package gateway

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is a number of events in a duration. The zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// UnmarshalText parses count/duration, such as 600/1m, or 0 for no limit.
func (r *Rate) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*r = Rate{}
		return nil
	}
	count, per, _ := strings.Cut(string(text), "/")
	n, errCount := strconv.ParseUint(count, 10, 31)
	d, errPer := time.ParseDuration(per)
	if errCount != nil || errPer != nil || n == 0 || d <= 0 {
		return errors.New("expected count/duration, such as 600/1m or 10/1s, or 0 for no limit")
	}
	*r = Rate{Count: int(n), Per: d}
	return nil
}

// String returns the rate in the form that [Rate.UnmarshalText] parses.
func (r Rate) String() string {
	if r == (Rate{}) {
		return "0"
	}
	return fmt.Sprintf("%d/%s", r.Count, r.Per)
}

// MarshalText returns the text of [Rate.String].
func (r Rate) MarshalText() ([]byte, error) {
	return []byte(r.String()), nil
}

// check returns an error unless r is a rate or no limit.
func (r Rate) check() error {
	if r.Count < 0 || r.Per < 0 || r.Count > 0 && r.Per == 0 {
		return errors.New("expected a count and a duration above zero, or a count of zero for no limit")
	}
	return nil
}
