package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"

	"github.com/nats-io/nats.go"

	"netmon/agent"
)

// runAgent is an agent with the profiler in it, for -profile: agent URL STATE
// FILE. SIGUSR1 begins and ends the CPU profile; FILE.heap is the heap then.
// SIGUSR2 asks how many goroutines there are.
func runAgent(args []string) error {
	if len(args) != 3 {
		return errors.New("agent URL STATE FILE")
	}
	a, err := agent.New(agent.Options{ID: agentID, State: args[1], Version: "0.0.0",
		Connect: func(o ...nats.Option) (*nats.Conn, error) { return nats.Connect(args[0], o...) },
		Opened:  func() { fmt.Println("connected to the broker") }})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	marks := make(chan os.Signal, 1)
	signal.Notify(marks, profileSignal)
	go func() {
		<-marks
		f, err := os.Create(args[2])
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		<-marks
		pprof.StopCPUProfile()
		heap, herr := os.Create(args[2] + ".heap")
		if herr == nil {
			herr = pprof.WriteHeapProfile(heap)
		}
		if err = errors.Join(err, f.Close(), herr); err != nil {
			fmt.Fprintln(os.Stderr, "profile:", err)
		}
	}()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, goroutinesSignal)
	go func() {
		for range asked {
			fmt.Println("goroutines", runtime.NumGoroutine())
		}
	}()
	return a.Run(ctx)
}
