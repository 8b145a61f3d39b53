// Command plain draws pages, or reads them as a child of a pool does: what tests
// with the race detector leave to a program without it.
package main

import (
	"context"
	"fmt"
	"os"

	"flowbot/service/ocr"
	"flowbot/service/ocr/ocrtest"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] != ocrtest.ArgDraw {
		os.Exit(ocr.Main(os.Args[1:], os.Stdin, os.Stdout))
	}
	if err := ocrtest.Draw(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
