package main

import (
	"context"
	"fmt"

	"flowbot/service"
)

type orgCommand struct {
	Add orgAddCommand `cmd:"" help:"Enter an organisation and print its id."`
}

type orgAddCommand struct {
	Kind string `required:"" enum:"partner,operator,center" help:"partner, operator or center."`
	Name string `required:"" help:"As it stands in papers."`
	INN  string `name:"inn" help:"Taxpayer's number, 10 or 12 digits."`
	Zone string `name:"tz" help:"IANA time zone; Europe/Moscow when left out."`
}

// Run prints the new organisation's id.
func (c *orgAddCommand) Run(ctx context.Context, p *program) error {
	return p.with(ctx, func(i *installation) error {
		o, err := i.people.AddOrg(ctx, service.CommandLine, service.NewOrg{
			Kind: service.OrgKind(c.Kind), Name: c.Name, INN: c.INN, Zone: c.Zone,
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.out, o.ID)
		return err
	})
}
