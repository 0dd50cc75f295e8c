package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// lab is the servers that both measure, none of them ours.
type lab struct {
	dir                   string
	http, https, dns, ntp string // ports
	farHTTP, farHTTPS     string // the same servers, further away
	farDNS                string
	servers               []*exec.Cmd
}

const page = 20_000 // bytes of the page that nginx serves

func startLab(ctx context.Context, dir string) (*lab, error) {
	l := &lab{dir: dir}
	for _, p := range []*string{&l.http, &l.https, &l.dns, &l.ntp} {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		*p = port
	}
	if err := l.start(ctx); err != nil {
		l.stop()
		return nil, err
	}
	var errs [3]error
	l.farHTTP, errs[0] = farTCP(ctx, "127.0.0.1:"+l.http)
	l.farHTTPS, errs[1] = farTCP(ctx, "127.0.0.1:"+l.https)
	l.farDNS, errs[2] = farUDP(ctx, "127.0.0.1:"+l.dns)
	return l, errors.Join(errs[:]...)
}

func (l *lab) start(ctx context.Context) error {
	if _, err := output(ctx, "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
		"-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", l.path("key.pem"), "-out", l.path("cert.pem")); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"www/index.html": strings.Repeat("x", page),
		"nginx.conf": fmt.Sprintf(`daemon off; pid %[1]s/nginx.pid; error_log stderr; user root; worker_processes 1;
events {}
http {
  access_log off; client_body_temp_path %[1]s/t1; proxy_temp_path %[1]s/t2; fastcgi_temp_path %[1]s/t3; uwsgi_temp_path %[1]s/t4; scgi_temp_path %[1]s/t5;
  server { listen 127.0.0.1:%[2]s; listen 127.0.0.1:%[3]s ssl http2; ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem; root %[1]s/www; }
}
`, l.dir, l.http, l.https),
		"named.conf": fmt.Sprintf(`options { directory %q; pid-file "pid"; session-keyfile none; recursion no; dnssec-validation no; listen-on port %s { 127.0.0.1; }; listen-on-v6 { none; }; };
controls { };
zone "lab.test" { type primary; file "zone"; };
`, l.dir, l.dns),
		"zone":        "$TTL 300\n@ IN SOA ns root 1 3600 600 86400 60\n@ IN NS ns\nns IN A 127.0.0.1\nwww IN A 192.0.2.1\nwww IN A 192.0.2.2\n",
		"chrony.conf": fmt.Sprintf("port %s\ncmdport 0\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 3\npidfile %s/chrony.pid\n", l.ntp, l.dir),
	} {
		if err := os.MkdirAll(filepath.Dir(l.path(name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(l.path(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, c := range [][]string{
		{"/usr/sbin/nginx", "-c", l.path("nginx.conf"), "-p", l.dir, "-e", "stderr"},
		{"/usr/sbin/named", "-g", "-c", l.path("named.conf")},
		{"/usr/sbin/chronyd", "-d", "-x", "-u", "root", "-f", l.path("chrony.conf")},
	} {
		cmd := exec.CommandContext(ctx, c[0], c[1:]...)
		log, err := os.Create(l.path(filepath.Base(c[0]) + ".log"))
		if err != nil {
			return err
		}
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("%w: see the Debian packages in lab/accuracy/doc.go", err)
		}
		l.servers = append(l.servers, cmd)
	}
	// All are there when each of them has answered once.
	for _, try := range [][]string{
		{"curl", "-sf", "-o", "/dev/null", "http://127.0.0.1:" + l.http + "/"},
		{"dig", "+short", "+tries=1", "+timeout=1", "-p", l.dns, "@127.0.0.1", "www.lab.test"},
		{"chronyd", "-Q", "-t", "2", "server 127.0.0.1 port " + l.ntp + " iburst maxsamples 1"},
	} {
		if err := l.until(ctx, try); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) until(ctx context.Context, try []string) error {
	limit := time.Now().Add(20 * time.Second)
	for {
		_, err := output(ctx, try[0], try[1:]...)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(limit) {
			return fmt.Errorf("a server does not answer: %w", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

func (l *lab) stop() {
	for _, c := range l.servers {
		c.Process.Signal(os.Interrupt)
		go c.Wait()
	}
}

func freePort() (string, error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer c.Close()
	_, port, err := net.SplitHostPort(c.LocalAddr().String())
	return port, err
}
