  // Start bit, the byte's eight bits, low one first, stop bit: ClocksPerBit each, then ready again.
  logic f_old = 1'b0;
  logic f_busy_q;
  logic [31:0] f_clock_q, f_bit_q;
  logic [7:0] f_byte_q;
  logic [9:0] f_frame;
  assign f_frame = {1'b1, f_byte_q, 1'b0};
  always_ff @(posedge clk_i) begin
    f_old <= 1'b1;
    if (!rst_ni) f_busy_q <= 1'b0;
    else if (!f_busy_q) begin
      f_busy_q <= valid_i;
      f_byte_q <= data_i;
      f_clock_q <= 0;
      f_bit_q <= 0;
    end else begin
      f_clock_q <= (f_clock_q == ClocksPerBit - 1) ? 0 : f_clock_q + 1;
      if (f_clock_q == ClocksPerBit - 1) begin
        f_bit_q <= f_bit_q + 1;
        if (f_bit_q == 9) f_busy_q <= 1'b0;
      end
    end
  end
  always_comb begin
    if (!f_old) assume (!rst_ni);
    if (f_old) begin
      is_ready: assert (ready_o == !f_busy_q);
      on_the_line: assert (tx_o == (f_busy_q ? f_frame[f_bit_q] : 1'b1));
      if (f_busy_q) begin
        clock: assert (f_clock_q < ClocksPerBit && 32'(count_q) == f_clock_q);
        bits_left: assert (f_bit_q < 10 && 32'(left_q) == 10 - f_bit_q);
      end
      shifted: assert (shift_q == (f_busy_q ? 10'(({20'hFFFFF, f_frame} >> f_bit_q)) : 10'h3FF));
    end
  end
