package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// ByteSize is a number of bytes, never negative.
type ByteSize int64

// UnmarshalText parses a whole number of bytes, KiB, MiB or GiB: 0, 4096,
// 512KiB. It refuses decimal units such as MB, which have two meanings in use.
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

// String returns the size in the largest unit that divides it.
func (b ByteSize) String() string {
	for _, u := range byteUnits() {
		if n := uint64(b); n > 0 && n%u.bytes == 0 {
			return strconv.FormatUint(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalText returns the text of [ByteSize.String].
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
