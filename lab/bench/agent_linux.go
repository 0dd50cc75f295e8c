package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"

	"github.com/nats-io/nats.go"

	"netmon/agent"
	"netmon/probes/kinds"
)

// runAgent is an agent with the profiler in it, for -profile: agent URL STATE
// FILE. SIGUSR1 begins and ends the CPU profile; FILE.heap is the heap then.
// SIGUSR2 asks how many goroutines there are, and how many bytes are in use.
func runAgent(args []string) error {
	if len(args) != 3 {
		return errors.New("agent URL STATE FILE")
	}
	a, err := agent.New(agent.Options{Kinds: kinds.All(), ID: agentID, State: args[1], Version: "0.0.0",
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
			fmt.Println("goroutines", runtime.NumGoroutine(), "bytes", inUse())
		}
	}()
	return a.Run(ctx)
}

// inUse is the memory, in bytes, that the last collection left to this process: what
// was live then, and what the runtime needs beside the heap. Garbage, which comes and
// goes with the load of the machine, does not count.
func inUse() uint64 {
	all := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(all)
	n := all[0].Value.Uint64() + all[1].Value.Uint64()
	for _, heap := range all[2:] {
		n -= heap.Value.Uint64()
	}
	return n
}
