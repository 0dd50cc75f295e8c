// Command netmon-targets is a host with services to watch: some healthy, some slow,
// some permanently broken; each healthy one can be broken and repaired while it runs.
//
//	netmon-targets serve [--host 0.0.0.0] [--ca FOLDER] [--name targets]
//	netmon-targets break NAME | mend NAME | mend all | list
//
// break, mend and list talk to the running server over its control address, which only
// its own host can reach.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "netmon-targets:", err)
		os.Exit(1)
	}
}

const usage = "want serve, list, break NAME, mend NAME or mend all"

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%s", usage)
	}
	flags := flag.NewFlagSet("netmon-targets", flag.ContinueOnError)
	host := flags.String("host", "0.0.0.0", "address to serve on")
	control := flags.String("control", "127.0.0.1:8081", "address of the control")
	ca := flags.String("ca", "", "folder for ca.pem, the authority of its certificates")
	name := flags.String("name", "targets", "host name in its certificates")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch {
	case args[0] == "serve" && flags.NArg() == 0:
		s, err := start(fixedPorts(*host), *name, *ca)
		if err != nil {
			return err
		}
		defer s.close()
		return serveControl(ctx, *control, s, out)
	case args[0] == "list" && flags.NArg() == 0:
		return ask(ctx, out, http.MethodGet, "http://"+*control+"/")
	case (args[0] == "break" || args[0] == "mend") && flags.NArg() == 1:
		return ask(ctx, out, http.MethodPost, "http://"+*control+"/"+args[0]+"/"+flags.Arg(0))
	}
	return fmt.Errorf("%s, got %q", usage, strings.Join(args, " "))
}

// ask sends a request to the control and prints its answer.
func ask(ctx context.Context, out io.Writer, method, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("is netmon-targets serve running here? %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", strings.TrimSpace(string(body)))
	}
	_, err = out.Write(body)
	return err
}
