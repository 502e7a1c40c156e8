"""When a round starts: size first, then age; any of them. Pure: the clock is an argument."""
