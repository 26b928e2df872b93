// First-in first-out buffer with show-ahead read.  The writer holds credits: it never writes when full.
module mondeq_fifo #(
  parameter int Width = 8,
  parameter int Depth = 4
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             write_i,
  input  logic [Width-1:0] data_i,
  output logic             valid_o,
  output logic [Width-1:0] data_o,
  input  logic             ready_i,
  output logic             error_o  // pointers and count contradict each other, or a word was lost
);

  localparam int PointerBits = (Depth > 1) ? $clog2(Depth) : 1;
  localparam logic [PointerBits-1:0] LastIndex = PointerBits'(Depth - 1);

  // Wrong parameters do not elaborate: there is no such module.
  if (Width < 1 || Depth < 1) begin : g_wrong_size
    mondeq_error_fifo_width_or_depth u_error ();
  end

  logic [Width-1:0] memory[Depth];
  logic [PointerBits-1:0] write_q, read_q;
  logic [$clog2(Depth+1)-1:0] count_q;
  logic read;

  assign valid_o = count_q != '0;
  assign data_o = memory[read_q];
  assign read = valid_o && ready_i;

  int next;
  assign next = int'(read_q) + int'(count_q);
  assign error_o = (int'(read_q) >= Depth) || (int'(write_q) != ((next >= Depth) ? next - Depth : next))
      || (write_i && !read && (int'(count_q) >= Depth));

  always_ff @(posedge clk_i) begin
    if (write_i) memory[write_q] <= data_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q  <= '0;
      count_q <= '0;
    end else begin
      if (write_i) write_q <= (write_q == LastIndex) ? '0 : write_q + 1'b1;
      if (read) read_q <= (read_q == LastIndex) ? '0 : read_q + 1'b1;
      if (write_i && !read) count_q <= count_q + 1'b1;
      if (!write_i && read) count_q <= count_q - 1'b1;
    end
  end

`ifdef MONDEQ_ASSERT
  logic stalled_q;
  logic [Width-1:0] offered_q;

  always_ff @(posedge clk_i) begin
    stalled_q <= rst_ni && valid_o && !ready_i;
    offered_q <= data_o;
  end
  mondeq_assert u_no_overrun (.clk_i, .rst_ni, .holds_i(!write_i || (int'(count_q) != Depth)));
  mondeq_assert u_count (.clk_i, .rst_ni, .holds_i(int'(count_q) <= Depth));
  mondeq_assert u_pointers (
    .clk_i,
    .rst_ni,
    .holds_i((int'(read_q) < Depth) && (int'(write_q) == (int'(read_q) + int'(count_q)) % Depth))
  );
  mondeq_assert u_stable (.clk_i, .rst_ni, .holds_i(!stalled_q || (valid_o && (data_o == offered_q))));
`endif

endmodule
