// Flowbot serves the papers of training partners in a messenger: acts, journals
// and their approval. See the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"flowbot/service"
	"flowbot/templates"
)

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // refused or failed; one line on standard error
	exitUsage  = 2
)

// commands is the command line.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Serve the bot until SIGTERM."`
	Demo    demoCommand    `cmd:"" help:"Serve the bot with invented data to a page with phones."`
	Migrate migrateCommand `cmd:"" help:"Change the schema of the database."`
	Org     orgCommand     `cmd:"" help:"Organisations."`
	Invite  inviteCommand  `cmd:"" help:"Print a one-use invitation link."`
	Import  importCommand  `cmd:"" help:"Load import sheets."`
	Sheet   sheetCommand   `cmd:"" help:"Write an empty import workbook."`
	Show    showCommand    `cmd:"" help:"Print what is known of a thing, as JSON."`
	File    fileCommand    `cmd:"" help:"Write a stored file."`
	Backup  backupCommand  `cmd:"" help:"Write the database and the files to a directory."`
	Restore restoreCommand `cmd:"" help:"Bring back what backup has written, into an empty installation."`
	Bench   benchCommand   `cmd:"" help:"Measure."`
	Child   childCommand   `cmd:"" hidden:""`
}

// program is what every command gets.
type program struct {
	in     io.Reader
	out    io.Writer // the answer alone
	stderr io.Writer // one plain line, and the log
}

// impatience is how long after the first signal further ones change nothing:
// those who start programs often pass on what the terminal has told everybody.
// A signal after it ends the program at once.
const impatience = 3 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() { time.AfterFunc(impatience, stop) })
	code := run(ctx, os.Args[1:], &program{in: os.Stdin, out: os.Stdout, stderr: os.Stderr})
	stop()
	os.Exit(code)
}

// run does what the arguments say and returns the exit status.
func run(ctx context.Context, args []string, p *program) int {
	const helped = -1
	asked := helped
	parser, err := kong.New(&commands{},
		kong.Name("flowbot"), kong.Description("Acts, journals and their approval in a messenger."),
		kong.Writers(p.out, p.stderr),
		kong.Exit(func(code int) { asked = code; panic(stopParsing{}) }),
	)
	if err != nil {
		p.complain(err.Error())
		return exitFailed
	}
	parsed, err := parse(parser, args)
	switch {
	case asked != helped: // --help has been printed
		return asked
	case err != nil:
		p.complain(err.Error() + "; see flowbot --help")
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(p)
	var usage usageError
	var status exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		p.complain(usage.Error())
		return exitUsage
	}
	p.complain(plainLine(err))
	return exitFailed
}

// complain says in one line why a command has failed. Where standard error is
// gone nobody can be told.
func (p *program) complain(why string) { _, _ = fmt.Fprintln(p.stderr, "flowbot:", oneLine(why)) }

// stopParsing leaves the parser after it has printed its help.
type stopParsing struct{}

func parse(parser *kong.Kong, args []string) (parsed *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stopParsing); !ok {
				panic(r)
			}
		}
	}()
	return parser.Parse(args)
}

// usageError is a wrong use that the parser does not see.
type usageError string

func (e usageError) Error() string { return string(e) }

// exitError ends the program with a status and no further word.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// plainLine is an error as one line for whoever typed the command: the words of
// a refusal, or the error itself without secrets.
func plainLine(err error) string {
	var refusal *service.Error
	if errors.As(err, &refusal) && refusal.Kind != service.Internal {
		if words := refusalWords(refusal.Reason, refusal.Data); words != "" {
			return words
		}
	}
	var line strings.Builder
	secrets := (&Settings{Token: os.Getenv("TELEGRAM_TOKEN"), WebhookSecret: os.Getenv("WEBHOOK_SECRET"), DatabaseURL: os.Getenv("DATABASE_URL")}).secrets()
	_, _ = (&redacting{w: &line, secrets: secretForms(secrets)}).Write([]byte(oneLine(err.Error())))
	return line.String()
}

// refusalWords are the words of a refusal as the bot would say them, without
// markup; "" when there are none.
func refusalWords(r service.Reason, data any) string {
	set, err := templates.Load(service.Languages[0])
	if err != nil {
		return ""
	}
	text, err := set.HTML(string(r), data)
	if err != nil {
		return ""
	}
	return oneLine(templates.Plain(text))
}

// oneLine joins the lines of a text.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
