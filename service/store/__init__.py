"""Where rows are kept: engines, the one writer, migrations. Only this package opens connections."""
