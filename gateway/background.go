package gateway

import (
	"context"
	"sync"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/panics"
)

// background runs what goes on beside the requests: the reading of files that have
// changed, tasks that last as long, and questions to WeChat whose answer more than one
// request needs. It is safe for concurrent use.
type background struct {
	logger zerolog.Logger
	files  []watched
	tasks  []func(context.Context)
	idle   []idleCloser // the transports to the sites

	mu      sync.Mutex // held to start a task, and to end the context of all
	ctx     context.Context
	end     context.CancelFunc
	running sync.WaitGroup
}

// idleCloser is a transport that keeps connections.
type idleCloser interface{ CloseIdleConnections() }

// watched is a [watch.File] of any type.
type watched interface {
	Run(ctx context.Context)
	Reread()
}

func newBackground(logger zerolog.Logger) *background {
	b := &background{logger: logger}
	b.ctx, b.end = context.WithCancel(context.Background())
	return b
}

// run watches the files and runs the tasks until ctx ends, then ends all tasks, closes
// the idle connections to the sites, and waits for the tasks. No task is started after
// that.
func (b *background) run(ctx context.Context) {
	for _, file := range b.files {
		b.start(ctx, file.Run)
	}
	for _, task := range b.tasks {
		b.start(ctx, task)
	}
	<-ctx.Done()
	b.mu.Lock()
	b.end()
	b.mu.Unlock()
	for _, transport := range b.idle {
		transport.CloseIdleConnections()
	}
	b.running.Wait()
}

// start runs task in a goroutine of its own, with the values of ctx and until
// run ends. It reports whether it did: it does not after that. A panic of task is
// logged.
func (b *background) start(ctx context.Context, task func(context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx.Err() != nil {
		return false
	}
	b.running.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				panics.Log(b.logger, v)
			}
		}()
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer cancel()
		defer context.AfterFunc(b.ctx, cancel)()
		task(ctx)
	})
	return true
}
