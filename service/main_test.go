package service_test

import (
	"os"
	"testing"

	"flowbot/db/dbtest"
	"flowbot/service/foreign"
	"flowbot/service/ocr"
)

// TestMain makes this program the child that looks at its own tests' files, as
// the real one is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "child" && os.Args[2] == "recognise" {
		os.Exit(ocr.Main(os.Args[3:], os.Stdin, os.Stdout))
	}
	if len(os.Args) > 1 && os.Args[1] == "child" {
		os.Exit(foreign.Main(os.Args[2:], os.Stdin, os.Stdout))
	}
	os.Exit(dbtest.Main(m))
}
