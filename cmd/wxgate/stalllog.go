package main

import (
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/stall"
)

// stallLimit returns the limit for clients that stall. It logs one of those that are
// cut off a minute: a phone that leaves the network is one.
func stallLimit(timeout time.Duration, logger zerolog.Logger) stall.Limit {
	logger = logger.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute})
	return stall.Limit{Timeout: timeout, Report: func(client, what string) {
		logger.Info().Str("peer", client).Str("detail", what).Dur("stall_timeout_ms", timeout).
			Str("hint", "raise WXGATE_STALL_TIMEOUT if clients that are only slow are cut off").
			Msg("client cut off")
	}}
}
