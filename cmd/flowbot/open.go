package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"flowbot/bot/chat"
	"flowbot/bot/post"
	"flowbot/db"
	"flowbot/db/pgserver"
	"flowbot/service"
	"flowbot/service/foreign"
	"flowbot/service/ocr"
	"flowbot/service/pdf"
	"flowbot/templates"
)

// installation is everything that is opened from the settings. Close gives it
// back, in the reverse order.
type installation struct {
	settings Settings
	log      *slog.Logger
	url      string // of the database
	db       *db.DB
	files    service.FileStore
	texts    *templates.Set
	chat     *chat.Telegram
	program  string // that reads what came from outside when called with "child"; "" is this one
	services

	recogniser service.Recogniser // in processes of recognises, kept by all use cases
	recognises string             // as program
	listener   net.Listener       // where HTTP is served; nil: as the settings say

	closers []func() error
}

// services are the use cases.
type services struct {
	people    *service.People
	acts      *service.Acts
	journals  *service.Journals
	archives  *service.Archives
	queue     *service.Queue
	cards     *service.Cards
	drafts    *service.Drafts
	tasks     *service.Tasks
	imports   *service.Imports
	importing *service.ImportJobs
	calendars *service.Calendars
	ticks     *service.Ticks
	upkeep    *service.Upkeep
	repairs   *service.Troubles

	exams        *service.Exams
	protocols    *service.Protocols
	centers      *service.Centers
	frdo         *service.Frdo
	certificates *service.Certificates
	blanks       *service.Blanks
	scans        *service.Scans
	batches      *service.ScanBatches
	candidates   *service.Candidates
	deliveries   *service.Deliveries
	uploads      *service.Uploads
	links        *service.UploadLinks
}

// openDatabaseServer starts or adopts the private PostgreSQL, if the settings
// name no other, and finds the database's address.
func openDatabaseServer(ctx context.Context, s Settings) (*installation, error) {
	i := &installation{settings: s, url: s.DatabaseURL}
	if i.url != "" {
		return i, nil
	}
	private, err := pgserver.Open(ctx, filepath.Join(s.DataDir, "pg"), pgserver.Options{})
	if err != nil {
		return nil, err
	}
	i.closers = append(i.closers, private.Close)
	i.url = private.URL()
	return i, nil
}

// open opens an installation: the database with its schema, the files and the
// use cases. Whoever opens it closes it.
func open(ctx context.Context, s Settings, log *slog.Logger) (*installation, error) {
	i, err := openDatabaseServer(ctx, s)
	if err != nil {
		return nil, err
	}
	i.log = log
	if err := i.open(ctx); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	return i, nil
}

func (i *installation) open(ctx context.Context) error {
	if i.settings.Migrate == "on" {
		if _, err := db.Migrate(ctx, i.url, db.Up); err != nil {
			return err
		}
	}
	var err error
	if i.db, err = db.Open(ctx, i.url, db.Options{Log: i.log}); err != nil {
		return err
	}
	i.closers = append(i.closers, i.db.Close)
	if i.files, err = i.settings.openFiles(ctx); err != nil {
		return err
	}
	if i.texts, err = templates.Load(service.Languages[0]); err != nil {
		return err
	}
	i.chat = chat.New(i.settings.telegram())
	i.services, err = i.wire(time.Now, chatFiles{i.chat})
	return err
}

// openRecogniser opens, once, what reads scanned pages. Its processes start when
// there is a page, and end with the installation.
func (i *installation) openRecogniser() error {
	if i.recogniser != nil && i.recognises == i.program {
		return nil
	}
	var o ocr.Options
	if i.program != "" {
		o.Command = []string{i.program, "child", "recognise"}
	}
	pool, err := ocr.NewPool(o)
	if err != nil {
		return err
	}
	i.closers = append(i.closers, pool.Close)
	i.recogniser, i.recognises = pool, i.program
	return nil
}

// openFiles opens the file store.
func (s *Settings) openFiles(ctx context.Context) (service.FileStore, error) {
	return db.OpenFiles(ctx, s.filesURL(), db.S3{Endpoint: s.S3Endpoint, Region: os.Getenv("AWS_REGION")})
}

// wire makes the use cases over the store, with a clock and a source of the
// files that people send.
func (i *installation) wire(now service.Clock, sent service.ChatFiles) (services, error) {
	var out services
	years, err := templates.CalendarYears()
	if err != nil {
		return out, err
	}
	builtIn, err := service.BuildCalendar(years...)
	if err != nil {
		return out, err
	}
	blanks, err := templates.BlankProfiles()
	if err != nil {
		return out, err
	}
	profiles, err := service.BuildBlankProfiles(blanks...)
	if err != nil {
		return out, err
	}
	printer, err := pdf.New()
	if err != nil {
		return out, err
	}
	limits := foreign.Options{PDFBytes: int64(i.settings.MaxDownload)}
	if i.program != "" {
		limits.Command = []string{i.program, "child"}
	}
	reader, err := foreign.New(limits)
	if err != nil {
		return out, err
	}
	if err := i.openRecogniser(); err != nil {
		return out, err
	}
	out.calendars = service.NewCalendars(i.db, builtIn)
	out.people = service.NewPeople(i.db, now, rand.Reader)
	out.acts = service.NewActs(i.db, out.calendars.Current, printer, i.files, now)
	out.journals = service.NewJournals(i.db, sent, reader, i.files, int64(i.settings.MaxDownload), now)
	out.archives = service.NewArchives(i.db, out.acts, i.files, func(key, arg string) (string, error) { return i.texts.Label(key, arg) })
	out.queue = service.NewQueue(i.db, now)
	out.cards = service.NewCards(i.db, now)
	out.drafts = service.NewDrafts(i.db, now)
	known, err := importKnown()
	if err != nil {
		return out, err
	}
	out.imports = service.NewImports(i.db, reader.Book(), known, now)
	out.importing = service.NewImportJobs(i.db, out.imports, sent, i.files, i.say)
	out.tasks = service.NewTasks(i.db, out.calendars.Current, now)
	out.ticks = service.NewTicks(i.db, now)
	out.upkeep = service.NewUpkeep(i.db, i.db, i.db, i.files, now)
	out.repairs = service.NewTroubles(i.db, now)
	out.uploads = service.NewUploads(i.db, sent, reader, i.files, int64(i.settings.MaxDownload), i.say, now)
	out.exams = service.NewExams(i.db, reader.Book(), now)
	out.protocols = service.NewProtocols(i.db, i.files, now)
	out.centers = service.NewCenters(i.db, reader.Book(), i.files, out.uploads, profiles, now)
	out.certificates = service.NewCertificates(i.db, printer, i.files, profiles, now)
	out.frdo = service.NewFrdo(i.db, reader.Book(), i.files, out.uploads, out.certificates, i.say, now)
	out.blanks = service.NewBlanks(i.db, now)
	out.scans = service.NewScans(service.ScansConfig{
		Store: i.db, Files: i.files, Uploads: out.uploads, Printer: printer, Recogniser: i.recogniser, Profiles: profiles,
		Hold: i.settings.DeliveryHold, Now: now,
	})
	out.batches = service.NewScanBatches(service.ScanBatchesConfig{
		Store: i.db, Chat: sent, Foreign: reader, Files: i.files, Scans: out.scans, Sheet: ocr.Sheet,
		MaxDownload: int64(i.settings.MaxDownload), Say: i.say, Program: programVersion(), Awaits: true, Now: now,
	})
	out.links = service.NewUploadLinks(i.db, out.batches, rand.Reader, now)
	out.candidates = service.NewCandidates(i.db, out.people, printer, i.files, rand.Reader, now)
	out.deliveries = service.NewDeliveries(i.db, post.Messages{Chat: i.chat}, now)
	return out, nil
}

// programVersion names what this program was built from: the commit, or nothing
// that is known, in a test for example.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	version := info.Main.Version
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			version = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			version += "+"
		}
	}
	return version
}

// say finds the plain words of a refusal.
func (i *installation) say(r service.Reason, data any) (string, error) {
	text, err := i.texts.HTML(string(r), data)
	return templates.Plain(text), err
}

// Close gives everything back.
func (i *installation) Close() error {
	var all []error
	for n := len(i.closers) - 1; n >= 0; n-- {
		all = append(all, i.closers[n]())
	}
	i.closers = nil
	return errors.Join(all...)
}

// with runs fn over an opened installation, for commands.
func (p *program) with(ctx context.Context, fn func(i *installation) error) (err error) {
	s, err := readSettings()
	if err != nil {
		return err
	}
	i, err := open(ctx, s, newLog(p.stderr, s.LogLevel, s.secrets()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	return fn(i)
}

// linkOf is the invitation link of a token. Without a name in the settings the
// Bot API is asked for it; if that cannot be, the word bot stands there.
func (i *installation) linkOf(ctx context.Context, token string) string {
	name := i.settings.BotName
	if name == "" && i.settings.Token != "" {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if asked, err := i.chat.Me(ctx); err == nil {
			name = asked
		}
	}
	if name == "" {
		name = "bot"
	}
	return fmt.Sprintf("https://t.me/%s?start=%s", name, token)
}
