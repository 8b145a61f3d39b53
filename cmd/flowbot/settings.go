package main

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"flowbot/bot/chat"
)

// Modes of receiving updates.
const (
	modePoll    = "poll"
	modeWebhook = "webhook"
)

// Settings are what the environment says. The README's table of settings is
// compared with the tags by a test.
type Settings struct {
	Token          string        `env:"TELEGRAM_TOKEN" secret:"true"`
	APIURL         string        `env:"TELEGRAM_API_URL" envDefault:"https://api.telegram.org"`
	BotName        string        `env:"BOT_NAME"`
	Mode           string        `env:"TELEGRAM_MODE" envDefault:"poll"`
	WebhookURL     string        `env:"WEBHOOK_URL"`
	WebhookSecret  string        `env:"WEBHOOK_SECRET" secret:"true"`
	ListenAddr     string        `env:"LISTEN_ADDR" envDefault:"127.0.0.1:8080"`
	PublicURL      string        `env:"PUBLIC_URL"`
	DatabaseURL    string        `env:"DATABASE_URL"`
	DataDir        string        `env:"DATA_DIR" envDefault:"./data"`
	FilesURL       string        `env:"FILES_URL" table:"DATA_DIR/files"` // empty: DATA_DIR/files
	S3Endpoint     string        `env:"S3_ENDPOINT"`
	DeliveryHold   time.Duration `env:"DELIVERY_HOLD" envDefault:"10m"` // before a recognised scan goes to its candidate
	MaxDownload    Bytes         `env:"MAX_DOWNLOAD" envDefault:"20MiB"`
	Migrate        string        `env:"MIGRATE" envDefault:"on"`
	SendRate       float64       `env:"SEND_RATE" envDefault:"30"`     // messages a second, over all chats
	SendRateOfChat float64       `env:"SEND_RATE_CHAT" envDefault:"1"` // messages a second, in one chat
	LogLevel       slog.Level    `env:"LOG_LEVEL" envDefault:"info"`
}

// Setting is one line of the table of settings.
type Setting struct {
	Name    string
	Default string // as people write it; "" when there is none
}

// SettingsTable lists the settings in the order of the table.
func SettingsTable() []Setting {
	var out []Setting
	t := reflect.TypeFor[Settings]()
	for i := range t.NumField() {
		f := t.Field(i)
		s := Setting{Name: f.Tag.Get("env"), Default: f.Tag.Get("envDefault")}
		if words := f.Tag.Get("table"); words != "" {
			s.Default = words
		}
		out = append(out, s)
	}
	return out
}

// readSettings reads and checks the environment. Its errors never hold a value
// of a secret.
func readSettings() (Settings, error) {
	s, err := env.ParseAs[Settings]()
	if err != nil {
		return s, settingsError(err)
	}
	s.BotName = strings.TrimPrefix(s.BotName, "@") // as people write it
	return s, s.check()
}

// settingsError names the first setting that cannot be read, in one line.
func settingsError(err error) error {
	var all env.AggregateError
	if errors.As(err, &all) && len(all.Errors) > 0 {
		err = all.Errors[0]
	}
	var field env.ParseError
	if errors.As(err, &field) {
		if f, ok := reflect.TypeFor[Settings]().FieldByName(field.Name); ok {
			return fmt.Errorf("%s: %w", f.Tag.Get("env"), field.Err)
		}
	}
	return err
}

func (s *Settings) check() error {
	if s.Mode != modePoll && s.Mode != modeWebhook {
		return errors.New("TELEGRAM_MODE: want poll or webhook")
	}
	if s.Migrate != "on" && s.Migrate != "off" {
		return errors.New("MIGRATE: want on or off")
	}
	for name, address := range map[string]string{
		"TELEGRAM_API_URL": s.APIURL, "WEBHOOK_URL": s.WebhookURL, "PUBLIC_URL": s.PublicURL,
	} {
		if address == "" {
			continue
		}
		if u, err := url.Parse(address); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return fmt.Errorf("%s: want an address such as https://HOST", name)
		}
	}
	for name, rate := range map[string]float64{"SEND_RATE": s.SendRate, "SEND_RATE_CHAT": s.SendRateOfChat} {
		if !(rate > 0) || math.IsInf(rate, 0) {
			return fmt.Errorf("%s: want messages a second, more than 0", name)
		}
	}
	if s.DeliveryHold < 0 {
		return errors.New("DELIVERY_HOLD: want a duration such as 10m, or 0s")
	}
	if s.MaxDownload <= 0 {
		return errors.New("MAX_DOWNLOAD: want a size such as 20MiB")
	}
	return nil
}

// checkServe refuses what the commands can do without and serve cannot.
func (s *Settings) checkServe() error {
	if s.Token == "" {
		return errors.New("TELEGRAM_TOKEN is not set: get a token from @BotFather, or try flowbot demo")
	}
	if s.Mode != modeWebhook {
		return nil
	}
	if s.WebhookURL == "" {
		return errors.New("WEBHOOK_URL is not set: TELEGRAM_MODE=webhook needs the address that Telegram calls")
	}
	if s.WebhookSecret == "" {
		return errors.New("WEBHOOK_SECRET is not set: without it anybody could speak as Telegram")
	}
	if len(s.WebhookSecret) > 256 || strings.Trim(s.WebhookSecret, secretLetters) != "" {
		return errors.New("WEBHOOK_SECRET: want 1 to 256 letters A-Z a-z 0-9 _ -")
	}
	return nil
}

// secretLetters are what a webhook's secret is made of. Source: Telegram Bot
// API, setWebhook.secret_token.
const secretLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// filesURL is where the files are.
func (s *Settings) filesURL() string {
	if s.FilesURL != "" {
		return s.FilesURL
	}
	return filepath.Join(s.DataDir, "files")
}

// telegram is how the Bot API is reached.
func (s *Settings) telegram() chat.Config {
	return chat.Config{Token: s.Token, URL: s.APIURL, Rate: s.SendRate, ChatRate: s.SendRateOfChat}
}

// secrets lists what must never be printed.
func (s *Settings) secrets() []string {
	var out []string
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("secret") != "" {
			out = append(out, v.Field(i).String())
		}
	}
	if u, err := url.Parse(s.DatabaseURL); err == nil && u.User != nil {
		if password, ok := u.User.Password(); ok {
			out = append(out, password)
		}
	}
	return append(out, os.Getenv("AWS_SECRET_ACCESS_KEY"))
}

// Bytes is a size, written as a number of bytes or with KiB, MiB or GiB.
type Bytes int64

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for suffix, size := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = strings.TrimSpace(rest), size
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return errors.New("want a size such as 20MiB")
	}
	*b = Bytes(n * unit)
	return nil
}
