package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"
)

// onHangup returns a background function that calls all functions of reread at each
// SIGHUP. Without it, the signal would end the process.
func onHangup(logger zerolog.Logger, reread []func()) func(context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	return func(ctx context.Context) {
		defer signal.Stop(hangups)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
				logger.Info().Msg("rereading files after SIGHUP")
				for _, f := range reread {
					f()
				}
			}
		}
	}
}
