"""The simulated market: prices, the order requests of agents, how they are matched and booked."""
