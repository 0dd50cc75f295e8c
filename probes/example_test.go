package probes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"

	"netmon/probes"
	"netmon/wire"
)

// Greeting is a kind of its own: it connects, and reads what the server says first.
type Greeting struct {
	probes.Common

	Want string `json:"want,omitempty" help:"what the server must say"`
}

// Said is what it learns.
type Said struct {
	Text string `json:"text" help:"what the server said"`
	NS   int64  `json:"greeting_ns" phase:"yes" help:"time until it said so, ns"`
}

func (p Greeting) Validate(target string) error {
	var problems wire.Problems
	_, _, err := probes.SplitTarget(target, "")
	problems.Add("target", err)
	return problems.Err()
}

func (p Greeting) Footprint(target string) probes.Footprint {
	return probes.TargetFootprint("tcp", target, "")
}

func (p Greeting) Measure(ctx context.Context, run *probes.Run) (d Said, err error) {
	host, port, err := probes.SplitTarget(run.Target, "")
	if err != nil {
		return d, err
	}
	addrs, _, err := p.Resolve(ctx, run, "tcp", host, port)
	if err != nil {
		return d, err
	}
	conn, _, err := p.Dial(ctx, run, "tcp", addrs, port)
	if err != nil {
		return d, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	begin := time.Now()
	b, err := io.ReadAll(io.LimitReader(conn, 100))
	if err != nil {
		return d, probes.NetFail("read the greeting", err)
	}
	d.Text, d.NS = string(b), int64(time.Since(begin))
	if d.Text == "" {
		return d, probes.Fail(wire.FailClosed, "the server closed the connection without a word")
	}
	if p.Want != "" {
		run.Expect(d.Text == p.Want, "want", p.Want, d.Text)
	}
	return d, nil
}

func (d Said) Headline() probes.Headline {
	return probes.Headline{Latency: time.Duration(d.NS), Clock: probes.ClockUser, Summary: d.Text}
}

func (d Said) Report(w io.Writer) { fmt.Fprintf(w, "it said %q\n", d.Text) }

// A kind is a struct with its options, and a struct with its figures. NewKind makes
// commands, documentation and the decoding of configurations out of their tags.
func ExampleNewKind() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "hello")
			c.Close()
		}
	}()

	mine := probes.List{probes.NewKind(probes.Kind{
		Name: "greeting", Target: "HOST:PORT", Example: "example.com:25", Doc: "reads what a server says first",
	}, func() Greeting { return Greeting{} })}
	env := &probes.Env{}
	defer env.Close()
	for _, want := range []string{"hello", "bye"} {
		options, _ := json.Marshal(map[string]string{"want": want})
		check, err := mine.New(env, "greeting", l.Addr().String(), options)
		if err != nil {
			fmt.Println(err)
			return
		}
		r := check.Run(context.Background(), 5*time.Second, nil)
		fmt.Printf("%s %q %q\n", r.Outcome, r.Summary, r.Error)
	}
	_, err = mine.New(env, "greeting", "nowhere", nil)
	fmt.Println(err)
	// Output:
	// ok "hello" ""
	// failed "hello" "want: want bye, got hello"
	// target: want host:port, got "nowhere": the port is missing: write nowhere:PORT
}
