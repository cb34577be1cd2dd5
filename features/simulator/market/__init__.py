"""The simulated market: prices, the order_requests of agents, how they are matched and booked."""
