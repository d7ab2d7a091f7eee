package main

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/panics"
)

// backgroundPatience is how long the end of the process waits for background
// tasks: one that reads a file hangs as long as its file system does.
const backgroundPatience = 5 * time.Second

// background are the functions that run while the servers serve.
type background struct {
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// startBackground starts the background functions of all servers. A panic of one is
// logged, and the others go on.
func startBackground(servers []*server, logger zerolog.Logger) *background {
	b := new(background)
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(context.Background())
	for _, s := range servers {
		for _, run := range s.background {
			b.running.Go(func() {
				defer func() {
					if v := recover(); v != nil {
						panics.Log(logger, v)
					}
				}()
				run(ctx)
			})
		}
	}
	return b
}

// end ends the functions and waits for them.
func (b *background) end(logger zerolog.Logger) {
	b.cancel()
	ended := make(chan struct{})
	go func() {
		b.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(backgroundPatience):
		logger.Warn().Str("hint", "look at the file systems of the files in the configuration").
			Msg("a background task has not ended")
	}
}
