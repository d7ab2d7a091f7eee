package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ByteSize is a number of bytes, never negative.
type ByteSize int64

// UnmarshalText reads a whole number of bytes, or of KiB, MiB or GiB: 0, 4096,
// 512KiB. Decimal units are refused, for people mean different things by them.
func (b *ByteSize) UnmarshalText(text []byte) error {
	digits, unit := string(text), uint64(1)
	for _, u := range byteUnits() {
		if rest, ok := strings.CutSuffix(digits, u.name); ok {
			digits, unit = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return errors.New("expected a whole number of bytes, KiB, MiB or GiB, such as 4096, 512KiB or 10MiB")
	}
	*b = ByteSize(n * unit)
	return nil
}

// String gives the size in the largest unit that it is a whole number of.
func (b ByteSize) String() string {
	for _, u := range byteUnits() {
		if n := uint64(b); n > 0 && n%u.bytes == 0 {
			return strconv.FormatUint(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalText gives what [ByteSize.String] gives.
func (b ByteSize) MarshalText() ([]byte, error) {
	return []byte(b.String()), nil
}

// A byteUnit is a power of 1024.
type byteUnit struct {
	name  string
	bytes uint64
}

func byteUnits() []byteUnit {
	return []byteUnit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}
}

// Rate is a number of events in a time. The zero Rate is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// UnmarshalText reads count/duration such as 600/1m, or 0 for no limit.
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

// String gives the rate as [Rate.UnmarshalText] reads it.
func (r Rate) String() string {
	if r == (Rate{}) {
		return "0"
	}
	return fmt.Sprintf("%d/%s", r.Count, r.Per)
}

// MarshalText gives what [Rate.String] gives.
func (r Rate) MarshalText() ([]byte, error) {
	return []byte(r.String()), nil
}
