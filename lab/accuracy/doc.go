// Command accuracy measures the same servers, in the same run, with netmon and with
// the tools that people use for each protocol, and prints what both say:
//
//	go run ./lab/accuracy
//
// It needs nginx, bind9, chrony, curl, dig, fping and ping (Debian packages
// nginx-light, bind9, chrony, curl, bind9-dnsutils, fping, iputils-ping). Servers are
// started on free ports of loopback, in a temporary folder, and stopped at the end.
// Both take turns, and the lowest figure of several runs is compared: it contains the
// least noise of the machine.
//
// docs/accuracy.md holds one run.
package main
